package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
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
	if err != nil {
		return fmt.Errorf("publish run on %s: %w", lane, err)
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
		if answered(err) && !busy(err) {
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

// Fetch hands over all chunks that are stored on the lane, in the order in which they were stored. The receiver may keep
// them. A lane that is gone is mapreduce.ErrRunsLost.
func (r *Runs) Fetch(ctx context.Context, lane mapreduce.Lane, yield func(chunk []byte) error) error {
	for next := uint64(1); next > 0; {
		var err error
		if next, err = r.fetch(ctx, lane, next, yield); err != nil {
			return fmt.Errorf("fetch runs of %s: %w", lane, err)
		}
	}
	return nil
}

// Bounds of one request for chunks.
const (
	fetchMessages = 512
	fetchBytes    = 16 << 20
)

// fetch reads one batch from a sequence on, by a batched direct get: no consumer to make, no filter to pay for. It
// returns the sequence to go on from, 0 at the end.
func (r *Runs) fetch(ctx context.Context, lane mapreduce.Lane, from uint64, yield func([]byte) error) (uint64, error) {
	inbox := r.bus.nc.NewRespInbox()
	sub, err := r.bus.nc.SubscribeSync(inbox)
	if err != nil {
		return 0, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := sub.SetPendingLimits(-1, -1); err != nil { // the request bounds it
		return 0, err
	}
	request, err := json.Marshal(map[string]any{
		"seq": from, "batch": fetchMessages, "max_bytes": fetchBytes, "next_by_subj": r.bus.names.laneSubject(lane),
	})
	if err != nil {
		return 0, err
	}
	if err := r.bus.nc.PublishRequest("$JS.API.DIRECT.GET."+r.bus.names.lane(lane), inbox, request); err != nil {
		return 0, err
	}
	return receive(ctx, sub, from, yield)
}

// receive takes in the answers to one batched direct get, up to the status that closes it.
func receive(ctx context.Context, sub *nats.Subscription, from uint64, yield func([]byte) error) (uint64, error) {
	for {
		wait, cancel := context.WithTimeout(ctx, answerWait)
		msg, err := sub.NextMsgWithContext(wait)
		cancel()
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
			return from, nil // silence: ask again for what is missing
		case errors.Is(err, nats.ErrNoResponders):
			return 0, fmt.Errorf("no such stream: %w", mapreduce.ErrRunsLost)
		case err != nil:
			return 0, err
		}
		switch status := msg.Header.Get("Status"); status {
		case "":
			if err := yield(msg.Data); err != nil {
				return 0, err
			}
			seq, err := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read sequence: %w", err)
			}
			from = seq + 1
		case "204":
			return rest(msg, from), nil
		case "404":
			return 0, nil // nothing from here on
		default:
			return 0, fmt.Errorf("status %s %s", status, msg.Header.Get("Description"))
		}
	}
}

// rest says where to go on after a batch: nowhere, when none are left.
func rest(closing *nats.Msg, from uint64) uint64 {
	if closing.Header.Get("Nats-Num-Pending") == "0" {
		return 0
	}
	return from
}
