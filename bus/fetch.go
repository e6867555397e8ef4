package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

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
// them. A lane that is gone, or that has gaps, is mapreduce.ErrRunsLost after all that is there has been handed over.
func (r *Runs) Fetch(ctx context.Context, lane mapreduce.Lane, yield func(chunk []byte) error) error {
	ctx, heard := r.bus.denials.until(ctx, "DIRECT.GET."+r.bus.names.lane(lane))
	defer heard()
	f := fetch{bus: r.bus, lane: lane, yield: yield, next: 1, away: absence{bus: r.bus, stream: r.bus.names.lane(lane)}}
	r.bus.learnCopies(ctx, f.away.stream)
	for !f.over {
		err := f.batch(ctx)
		if err == nil && f.over {
			err = f.confirm(ctx)
		}
		if err != nil {
			return fmt.Errorf("fetch runs of %s: %w", lane, deniedOr(ctx, err))
		}
		if f.silent && f.away.lasts(ctx) { // a bus that is away as a whole is waited for
			return fmt.Errorf("fetch runs of %s: no server has its stream: %w", lane, mapreduce.ErrRunsLost)
		}
	}
	if f.lost > 0 {
		return fmt.Errorf("fetch runs of %s: %d chunks are gone: %w", lane, f.lost, mapreduce.ErrRunsLost)
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
	lost  uint64 // chunks that are not there any more
	over  bool   // nothing is there from next on

	silent bool // the last request was not answered
	waits  int  // how many have not been, in a row
	away   absence
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
		msg, err := f.await(ctx, sub)
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

// await waits for an answer; nil: none came, and one asks again.
func (f *fetch) await(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	patience, cancel := context.WithTimeout(ctx, min(hastyWait<<f.waits, answerWait))
	defer cancel()
	defer context.AfterFunc(f.bus.session(), cancel)()
	msg, err := sub.NextMsgWithContext(patience)
	if f.silent && err == nil {
		f.bus.absences.end(f.away.stream)
	}
	switch f.silent = err != nil; {
	case err == nil:
		f.waits = 0
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, nats.ErrNoResponders):
		return nil, wait(ctx, 100*time.Millisecond)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		f.waits = min(f.waits+1, 3) // it may be slow, and is not to be asked more and more
		return nil, nil
	}
	return msg, err
}

// take hands over a chunk, and reports whether the batch may go on.
func (f *fetch) take(msg *nats.Msg) (more bool, err error) {
	seq, err := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return false, fmt.Errorf("read sequence: %w", err)
	}
	if seq != f.next && !f.skip(seq) {
		return false, nil
	}
	f.next++
	f.gaps = 0
	return true, f.yield(msg.Data)
}

// skip reports whether what is between next and an answer is gone. A message that was dropped on its way comes when it is
// asked for again; one that does not is not there any more.
func (f *fetch) skip(found uint64) bool {
	if f.gaps++; found < f.next || f.gaps <= 3 {
		return false
	}
	f.lost += found - f.next
	f.next, f.gaps = found, 0
	return true
}

// status takes in what closes a batch: that there is more or not (204), or that nothing is there (404).
func (f *fetch) status(msg *nats.Msg) error {
	switch status := msg.Header.Get("Status"); status {
	case "204":
		last, err := strconv.ParseUint(msg.Header.Get("Nats-Last-Sequence"), 10, 64)
		if err != nil {
			return fmt.Errorf("read last sequence: %w", err)
		}
		if f.next != last+1 && !f.skip(last+1) {
			return nil
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
