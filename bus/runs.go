package bus

import (
	"context"
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

// messageCost is what a message counts in the window besides its data, so that tiny ones are bounded, too.
const messageCost = 512

// Publisher returns the two ends of one attempt's publishing: push hands over a chunk, which must not be changed after
// that, and may return before it is stored; flush waits until all are stored. After an error nothing is certain: the
// attempt has failed.
func (r *Runs) Publisher(ctx context.Context) (push func(mapreduce.Lane, []byte) error, flush func() error) {
	p := newPublisher(ctx, r.bus, r.bus.names.prefix+".runs", r.bus.names.prefix+".parts")
	p.gone = mapreduce.ErrRunsLost
	push = func(lane mapreduce.Lane, chunk []byte) error {
		if !p.learned {
			r.bus.learnCopies(ctx, r.bus.names.lane(lane))
			p.learned = true
		}
		if err := p.push(r.bus.names.lane(lane), &nats.Msg{Subject: r.bus.names.laneSubject(lane), Data: chunk}); err != nil {
			return fmt.Errorf("publish run on %s: %w", lane, err)
		}
		return nil
	}
	return push, func() error { return p.drain(0) }
}

// publisher is used by one goroutine. Its context is that of the one attempt that it serves.
type publisher struct {
	opts []jetstream.PublishOpt
	// refused is what becomes of a message that the server refuses; nil: it has failed.
	refused func(ctx context.Context, stream string, msg *nats.Msg, err error) error

	bus     *Bus
	ctx     context.Context
	gone    error      // that no stream takes what is published
	pending []underWay // oldest first
	bytes   int        // of the pending ones
	learned bool       // how many copies what is published has
}

// newPublisher publishes on subjects with these tokens, as long as the context lasts.
func newPublisher(ctx context.Context, b *Bus, subjects ...string) *publisher {
	ctx, heard := b.denials.until(ctx, subjects...)
	context.AfterFunc(ctx, heard)
	return &publisher{bus: b, ctx: ctx, gone: errGone}
}

// underWay is a message that is published and not yet acknowledged.
type underWay struct {
	stream string // that takes it
	future jetstream.PubAckFuture
}

func (p *publisher) push(stream string, msg *nats.Msg) error {
	if err := p.drain(window); err != nil {
		return err
	}
	future, err := p.bus.js.PublishMsgAsync(msg, append(p.opts[:len(p.opts):len(p.opts)], jetstream.WithStallWait(answerWait))...)
	switch {
	case err == nil:
	case answered(err) || p.ctx.Err() != nil:
		return deniedOr(p.ctx, err)
	default: // the connection was lost: that is nothing that the attempt did
		return p.again(stream, msg)
	}
	p.pending = append(p.pending, underWay{stream, future})
	p.bytes += len(msg.Data) + messageCost
	return nil
}

// drain waits for the oldest chunks until no more than limit bytes are under way.
func (p *publisher) drain(limit int) error {
	for len(p.pending) > 0 && p.bytes >= limit {
		oldest := p.pending[0]
		p.pending = p.pending[1:]
		p.bytes -= len(oldest.future.Msg().Data) + messageCost
		if err := p.stored(oldest); err != nil {
			return fmt.Errorf("publish %s: %w", oldest.future.Msg().Subject, err)
		}
	}
	return nil
}

// stored waits until a chunk is stored. Silence and a full queue are answered by publishing again.
func (p *publisher) stored(each underWay) error {
	away := absence{bus: p.bus, stream: each.stream}
	silence := time.NewTicker(p.bus.tryWait(0))
	defer silence.Stop()
	for there := true; there; {
		select {
		case <-each.future.Ok():
			return nil
		case <-p.ctx.Done():
			return deniedOr(p.ctx, p.ctx.Err())
		case err := <-each.future.Err():
			if answered(err) && !busy(err) && !full(err) {
				return p.judge(each.stream, each.future.Msg(), err)
			}
			there = false
		case <-silence.C:
			there = away.look(p.ctx) == nil
		}
	}
	return p.again(each.stream, each.future.Msg())
}

// again publishes a chunk until it is stored. A bus that is away is waited for. A bus that is there and has no such stream, or
// has it on a server that is away, is not: the job has ended meanwhile, or the lane was lost.
func (p *publisher) again(stream string, msg *nats.Msg) error {
	away := absence{bus: p.bus, stream: stream}
	err := p.bus.ask(p.ctx, msg.Subject, func(ctx context.Context) error {
		_, err := p.bus.js.PublishMsg(ctx, &nats.Msg{Subject: msg.Subject, Header: msg.Header, Data: msg.Data}, p.opts...)
		if !answered(err) && away.lasts(p.ctx) {
			return fmt.Errorf("no stream takes %s: %w", msg.Subject, p.gone)
		}
		return err
	})
	return p.judge(stream, msg, err)
}

// judge is what becomes of a message whose publishing ended so.
func (p *publisher) judge(stream string, msg *nats.Msg, err error) error {
	if err == nil || p.refused == nil {
		return err
	}
	return p.refused(p.ctx, stream, msg, err)
}
