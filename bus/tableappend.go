package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// errDuplicate: the server remembers that a row was published.
var errDuplicate = errors.New("the server remembers a row that is not there")

// Error codes of the server about a row that it remembers, in a batch and while the first one is being written, and about one
// that is not the next.
const (
	codeBatchDuplicate = 10201
	codeDuplicateBusy  = 10158
	codeWrongLastID    = 10070
)

// appender appends rows to a stream that takes no batches. Each expects to be the next, so that many may be under way. By the
// sequence alone a row would take what somebody else has written for the row before it: so it expects that one's id, too.
type appender struct {
	bus      *Bus
	ctx      context.Context
	expected uint64
	last     string // the id of the row before; "": this is the first
	pending  []jetstream.PubAckFuture
	bytes    int
}

func (w *appender) add(msg *nats.Msg) error {
	if err := w.drain(window); err != nil {
		return err
	}
	msg.Data = bytes.Clone(msg.Data)
	msg.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(w.expected, 10))
	if w.last != "" {
		msg.Header.Set(jetstream.ExpectedLastMsgIDHeader, w.last)
	}
	w.last = msg.Header.Get(jetstream.MsgIDHeader)
	future, err := w.bus.js.PublishMsgAsync(msg, jetstream.WithStallWait(answerWait))
	if err != nil {
		return err
	}
	w.expected++
	w.pending, w.bytes = append(w.pending, future), w.bytes+msg.Size()
	return nil
}

// drain waits for answers until fewer bytes than the limit are under way.
func (w *appender) drain(limit int) error {
	for len(w.pending) > 0 && w.bytes >= limit {
		oldest := w.pending[0]
		w.pending, w.bytes = w.pending[1:], w.bytes-oldest.Msg().Size()
		select {
		case ack := <-oldest.Ok():
			if ack.Duplicate {
				return errDuplicate
			}
		case err := <-oldest.Err():
			return err
		case <-w.ctx.Done():
			return deniedOr(w.ctx, w.ctx.Err())
		}
	}
	return nil
}

// toTheEnd tries until the last row stands. Each try goes on behind what stands, and is refused when somebody else has written
// since it looked.
func (t *Tables) toTheEnd(ctx context.Context, d destination, table mapreduce.Table, mark string, try func(front) error) error {
	remembered := ^uint64(0) // where the stream ended when it refused a row that it remembers
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		f, err := t.progress(ctx, d, table, mark)
		if err != nil || f.owner == table.UID && f.row == table.Count && table.Count > 0 {
			return err
		}
		if err = try(f); err == nil {
			return nil
		}
		if duplicate(err) {
			if remembered == f.state.LastSeq {
				return mapreduce.Permanent(err) // nobody else is publishing: the row was there, and was taken away
			}
			remembered, err = f.state.LastSeq, errNotYet
		}
		if err = lasting(err); err != nil {
			return err
		}
		if err = wait(ctx, pause); err != nil {
			return err
		}
	}
}

// progress looks how far a submission has come, and refuses to go on when somebody else has written to a bucket since the mark.
func (t *Tables) progress(ctx context.Context, d destination, table mapreduce.Table, mark string) (front, error) {
	f, err := t.front(ctx, d.stream)
	switch {
	case isNoStream(err):
		return f, mapreduce.Permanentf("%s is gone: nothing was written", d.stream)
	case err != nil:
		return f, err
	case d.bucket == "":
		return f, t.behind(ctx, &f, table.UID, mark)
	case f.owner != table.UID && f.mark() != mark:
		return f, mapreduce.Permanent(fmt.Errorf("bucket %s was written to after the job had looked at it, its last message is %d now: "+
			"that stands; run the job again, with --force: %w", d.bucket, f.state.LastSeq, mapreduce.ErrOvertaken))
	}
	return f, nil
}

// behind looks how far a submission has come on a stream that others may write to as well: its last row is behind the mark.
func (t *Tables) behind(ctx context.Context, f *front, uid mapreduce.UID, mark string) error {
	var created int64
	var since uint64
	if _, err := fmt.Sscanf(mark, "%d.%d", &created, &since); err != nil {
		return mapreduce.Permanent(fmt.Errorf("read mark %q: %w", mark, err))
	}
	if created != f.created.UnixNano() {
		return mapreduce.Permanentf("stream %s is not the one that the job has looked at: nothing was written", f.config.Name)
	}
	for seq := f.state.LastSeq; seq > since; seq-- {
		if err := t.bus.ask(ctx, "GET."+f.config.Name, func(ctx context.Context) error { return f.read(ctx, t.bus, seq) }); err != nil {
			return fmt.Errorf("read message %d of stream %s: %w", seq, f.config.Name, err)
		}
		if f.owner == uid {
			return nil
		}
		if !f.there {
			return mapreduce.Permanentf("message %d of stream %s is gone again, so that nobody can tell which rows were published: "+
				"nothing more was", seq, f.config.Name)
		}
	}
	f.owner, f.row, f.of = "", 0, 0
	return nil
}

func duplicate(err error) bool {
	return errors.Is(err, errDuplicate) || isCode(err, codeBatchDuplicate)
}

// lasting is the error if trying again is of no use, or nil.
func lasting(err error) error {
	switch {
	case full(err):
		return fmt.Errorf("%w: %w", mapreduce.ErrNoRoom, err)
	case mapreduce.IsPermanent(err) || errors.Is(err, nats.ErrConnectionClosed):
		return err
	case conflict(err) || busy(err) || isCode(err, codeBatchIncomplete) || isCode(err, codeDuplicateBusy),
		isCode(err, codeWrongLastID), !answered(err):
		return nil
	}
	return mapreduce.Permanent(err)
}
