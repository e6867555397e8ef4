package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Runs carries chunks of runs on lanes: worker.Runs. A chunk may arrive twice and out of order when the bus was away for
// a moment; chunks say themselves whose they are and which, and readers sort that out.
type Runs struct{ bus *Bus }

// Runs are the runs on this bus.
func (b *Bus) Runs() *Runs { return &Runs{b} }

// window bounds the bytes of one attempt that are published and not yet acknowledged: the server queues 128 MB a stream,
// and refuses more.
const window = 8 << 20

// laneWait is how long a lane may be unknown to a server that is there: it may be electing who serves it.
const laneWait = 5 * time.Second

// Publisher returns the two ends of one attempt's publishing: push hands over a chunk, which must not be changed after
// that, and may return before it is stored; flush waits until all are stored. After an error nothing is certain: the
// attempt has failed.
func (r *Runs) Publisher(ctx context.Context) (push func(mapreduce.Lane, []byte) error, flush func() error) {
	p := &publisher{bus: r.bus, ctx: ctx}
	return p.push, func() error { return p.drain(0) }
}

// publisher is used by one goroutine. Its context is that of the one attempt that it serves.
type publisher struct {
	bus     *Bus
	ctx     context.Context
	pending []jetstream.PubAckFuture // oldest first
	bytes   int                      // of the pending ones
}

func (p *publisher) push(lane mapreduce.Lane, chunk []byte) error {
	if err := p.drain(window); err != nil {
		return err
	}
	msg := &nats.Msg{Subject: p.bus.names.laneSubject(lane), Data: chunk}
	future, err := p.bus.js.PublishMsgAsync(msg, jetstream.WithStallWait(answerWait))
	switch {
	case err == nil:
	case answered(err) || p.ctx.Err() != nil:
		return fmt.Errorf("publish run on %s: %w", lane, err)
	default: // the connection was lost: that is nothing that the attempt did
		return p.again(msg)
	}
	p.pending = append(p.pending, future)
	p.bytes += len(chunk)
	return nil
}

// drain waits for the oldest chunks until no more than limit bytes are under way.
func (p *publisher) drain(limit int) error {
	for len(p.pending) > 0 && p.bytes >= limit {
		oldest := p.pending[0]
		p.pending = p.pending[1:]
		p.bytes -= len(oldest.Msg().Data)
		if err := p.stored(oldest); err != nil {
			return fmt.Errorf("publish run on %s: %w", oldest.Msg().Subject, err)
		}
	}
	return nil
}

// stored waits until a chunk is stored. Silence and a full queue are answered by publishing again.
func (p *publisher) stored(future jetstream.PubAckFuture) error {
	select {
	case <-future.Ok():
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	case err := <-future.Err():
		if answered(err) && !busy(err) && !full(err) {
			return err
		}
	}
	return p.again(future.Msg())
}

// again publishes a chunk until it is stored. A server that is away is waited for. A server that is there and knows no
// such lane is not: the job has ended meanwhile, or the lane was lost.
func (p *publisher) again(msg *nats.Msg) error {
	var unknownSince time.Time
	return ask(p.ctx, func(ctx context.Context) error {
		_, err := p.bus.js.Publish(ctx, msg.Subject, msg.Data)
		switch {
		case !errors.Is(err, jetstream.ErrNoStreamResponse):
			unknownSince = time.Time{}
		case unknownSince.IsZero():
			unknownSince = time.Now()
		case time.Since(unknownSince) > laneWait:
			return fmt.Errorf("no stream takes %s: %w", msg.Subject, mapreduce.ErrRunsLost)
		}
		return err
	})
}
