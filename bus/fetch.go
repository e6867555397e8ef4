package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"

	"jetreduce/mapreduce"
)

// Bounds of one request for chunks. The server drops a connection to which more than 64 MB are on their way, so what all
// readers of a connection have asked for together is bounded too.
const (
	fetchMessages = 256
	fetchBytes    = 2 << 20
	fetchAtOnce   = 8 // requests of one connection
)

// Fetch hands over all chunks that are stored on the lane, in the order in which they were stored. The receiver may keep
// them. A lane that is gone is mapreduce.ErrRunsLost.
func (r *Runs) Fetch(ctx context.Context, lane mapreduce.Lane, yield func(chunk []byte) error) error {
	f := fetch{bus: r.bus, lane: lane, yield: yield, next: 1}
	for !f.over {
		if err := f.batch(ctx); err != nil {
			return fmt.Errorf("fetch runs of %s: %w", lane, err)
		}
	}
	return nil
}

// fetch reads a lane by batched direct gets: no consumer to make, no filter to pay for.
type fetch struct {
	bus   *Bus
	lane  mapreduce.Lane
	yield func([]byte) error
	next  uint64 // the sequence to go on from
	gaps  int    // answers in a row that began behind next
	over  bool   // nothing is there from next on
}

// batch asks for what comes next, and takes in the answers up to the status that closes them, or to the first that is
// missing: that is then asked for again. A lane has one subject and nothing is deleted on it, so its sequences have no
// gaps, and one in what arrives is a message that was dropped on the way.
func (f *fetch) batch(ctx context.Context) error {
	select {
	case f.bus.fetches <- struct{}{}:
		defer func() { <-f.bus.fetches }()
	case <-ctx.Done():
		return ctx.Err()
	}
	sub, err := f.request()
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	for {
		msg, err := next(ctx, sub)
		if msg == nil || err != nil {
			return err
		}
		if msg.Header.Get("Status") != "" {
			return f.status(msg)
		}
		if more, err := f.take(msg); !more || err != nil {
			return err
		}
	}
}

// request asks on an inbox of its own: one from NewRespInbox would be seen by the connection's request multiplexer too,
// which would receive every chunk a second time.
func (f *fetch) request() (*nats.Subscription, error) {
	inbox := f.bus.nc.NewInbox()
	sub, err := f.bus.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	request, err := json.Marshal(map[string]any{
		"seq": f.next, "batch": fetchMessages, "max_bytes": fetchBytes, "next_by_subj": f.bus.names.laneSubject(f.lane),
	})
	if err == nil {
		err = f.bus.nc.PublishRequest("$JS.API.DIRECT.GET."+f.bus.names.lane(f.lane), inbox, request)
	}
	if err != nil {
		return nil, errors.Join(err, sub.Unsubscribe())
	}
	return sub, nil
}

// next waits for an answer; nil is silence, after which one asks again.
func next(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	patience, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	msg, err := sub.NextMsgWithContext(patience)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, nil
	case errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("no such stream: %w", mapreduce.ErrRunsLost)
	}
	return msg, err
}

// take hands over a chunk, and reports whether the batch may go on.
func (f *fetch) take(msg *nats.Msg) (more bool, err error) {
	seq, err := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return false, fmt.Errorf("read sequence: %w", err)
	}
	if seq != f.next {
		return false, f.gap(seq)
	}
	f.next++
	f.gaps = 0
	return true, f.yield(msg.Data)
}

// gap counts answers that are not what was asked for. A message that was dropped comes when it is asked for again; one that
// does not is not there any more.
func (f *fetch) gap(found uint64) error {
	if f.gaps++; f.gaps > 3 {
		return fmt.Errorf("chunks %d to %d of the lane are gone: %w", f.next, found-1, mapreduce.ErrRunsLost)
	}
	return nil
}

// status takes in what closes a batch: that there is more or not (204), or that nothing is there (404).
func (f *fetch) status(msg *nats.Msg) error {
	switch status := msg.Header.Get("Status"); status {
	case "204":
		last, err := strconv.ParseUint(msg.Header.Get("Nats-Last-Sequence"), 10, 64)
		if err != nil {
			return fmt.Errorf("read last sequence: %w", err)
		}
		if f.next != last+1 {
			return f.gap(last + 1)
		}
		f.over = msg.Header.Get("Nats-Num-Pending") == "0"
		return nil
	case "404":
		f.over = true
		return nil
	default:
		return fmt.Errorf("status %s %s", status, msg.Header.Get("Description"))
	}
}
