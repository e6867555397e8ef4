package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"jetreduce/mapreduce"
)

// Bounds of one request for messages of a stream.
const (
	streamBatch = 16 << 10
	streamBytes = 1 << 20
)

// directFeed asks for batches by direct gets, which any server that has the stream answers, and which no retention minds.
type directFeed struct {
	bus  *Bus
	span span
}

func (f *directFeed) reset(context.Context) {}

// next gives what one request brings, up to the first message that was lost on its way.
func (f *directFeed) next(ctx context.Context, from, most uint64) ([]stored, error) {
	ctx, heard := f.bus.denials.until(ctx, "DIRECT.GET."+f.span.stream)
	defer heard()
	for {
		found, seen, err := f.batch(ctx, from, most)
		if len(found) > 0 || seen == 0 || seen >= f.span.last || err != nil {
			return found, deniedOr(ctx, err)
		}
		from = seen + 1 // none of them was asked for
	}
}

// batch gives those messages of one request that the filters take, and the sequence of the last that came.
func (f *directFeed) batch(ctx context.Context, from, most uint64) (found []stored, seen uint64, err error) {
	select {
	case f.bus.fetches <- struct{}{}:
		defer func() { <-f.bus.fetches }()
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	sub, err := f.request(from, most)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	patience, cancel := context.WithTimeout(ctx, answerWait) // for all of it: a context for each message costs more than the message
	defer cancel()
	defer context.AfterFunc(f.bus.session(), cancel)()
	for {
		msg, err := f.await(ctx, patience, sub)
		if msg == nil || err != nil {
			return found, seen, err
		}
		one, before, err := readDirect(msg)
		if err != nil || before != seen {
			return found, seen, err
		}
		if one.seq == 0 {
			return found, seen, nil
		}
		if seen = one.seq; len(f.span.filters) < 2 || filtersTake(f.span.filters, one.subject) {
			found = append(found, one)
		}
	}
}

func (f *directFeed) request(from, most uint64) (*nats.Subscription, error) {
	request := map[string]any{"seq": from, "batch": min(most, streamBatch), "max_bytes": streamBytes}
	switch len(f.span.filters) {
	case 0:
	case 1:
		request["next_by_subj"] = f.span.filters[0]
	default: // a request has one filter: what the others do not take is sorted out here
		request["batch"] = streamBatch
	}
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	inbox := f.bus.nc.NewInbox()
	sub, err := f.bus.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	if err := f.bus.nc.PublishRequest("$JS.API.DIRECT.GET."+f.span.stream, inbox, text); err != nil {
		return nil, errors.Join(err, sub.Unsubscribe())
	}
	return sub, nil
}

// await waits for an answer; nil: none came.
func (f *directFeed) await(ctx, patience context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	msg, err := sub.NextMsgWithContext(patience)
	switch {
	case err == nil:
		return msg, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrBadSubscription):
		return nil, err
	}
	return nil, nil
}

// directHeaders are those that the server puts behind a message's own.
var directHeaders = [...]string{
	"Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp", "Nats-Num-Pending", "Nats-Last-Sequence",
}

// readDirect reads a message of a batch, and the sequence of the one that the server sent before it. Without a sequence it
// is what closes the batch, or nothing.
func readDirect(msg *nats.Msg) (found stored, before uint64, err error) {
	var said [len(directHeaders)]string
	for i, name := range directHeaders {
		values := msg.Header[name]
		if len(values) == 0 {
			continue
		}
		said[i] = values[len(values)-1]
		if msg.Header[name] = values[:len(values)-1]; len(values) == 1 {
			delete(msg.Header, name)
		}
	}
	before, _ = strconv.ParseUint(said[5], 10, 64)
	if said[2] == "" {
		return found, before, directRefusal(msg)
	}
	at, err := time.Parse(time.RFC3339Nano, said[3])
	if err == nil {
		found.seq, err = strconv.ParseUint(said[2], 10, 64)
	}
	if err != nil {
		return found, 0, mapreduce.Permanent(fmt.Errorf("read direct get: %w", err))
	}
	found.time, found.subject, found.header, found.data, found.size = at.UnixNano(), said[1], msg.Header, msg.Data, msg.Size()
	return found, before, nil
}

// directRefusal is what ends a batch other than its end.
func directRefusal(msg *nats.Msg) error {
	status := msg.Header.Get("Status")
	if slices.Contains([]string{"", "204", "404", "503"}, status) {
		return nil
	}
	return fmt.Errorf("status %s %s", status, msg.Header.Get("Description"))
}
