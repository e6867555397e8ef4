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

// An upload that has a name may be begun by one client and finished by another, or by two at once. So that it never holds a mixture, each
// of its messages is written once, under the condition that there is none. Whoever finds another's compares it with its own: the same is
// as good as written, and anything else is ErrUploadTaken.

// ErrUploadTaken: there is something else under the name of an upload. Upload under another.
var ErrUploadTaken = errors.New("another input has been uploaded under this name")

// storedChunk is a message of an upload as its headers show it.
type storedChunk struct {
	size int
	sum  string
}

// Resume is a carrier that goes on with an upload, which was made: what it is given to carry and is there already, byte for byte by size
// and sum, it does not send. It returns how many bytes are there.
func (c *Carrier) Resume(ctx context.Context, upload string) (carrier *Carrier, there int64, err error) {
	const tries = 3
	resumed := &Carrier{bus: c.bus, once: true}
	for range tries {
		resumed.stored, err = c.bus.headersOf(ctx, c.bus.names.input(upload))
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrDenied) {
			break
		}
	}
	if errors.Is(err, ErrDenied) { // a client may make no consumers: all is sent again, and compared where it was there
		err = nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("look what there is of upload %s: %w", upload, err)
	}
	for _, chunk := range resumed.stored {
		if chunk.sum != "" { // not of the manifest
			there += int64(chunk.size)
		}
	}
	return resumed, there, nil
}

// headerWait is how long the next headers of a stream may take.
const headerWait = 5 * time.Second

// headersOf reads the headers of all messages of a stream, by their subjects.
func (b *Bus) headersOf(ctx context.Context, stream string) (map[string]storedChunk, error) {
	ctx, heard := b.denials.until(ctx, "CONSUMER.CREATE."+stream)
	defer heard()
	making, cancel := context.WithTimeout(ctx, headerWait)
	defer cancel()
	consumer, err := b.js.CreateConsumer(making, stream, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, HeadersOnly: true, MemoryStorage: true, Replicas: 1, InactiveThreshold: followIdle,
	})
	if err != nil {
		return nil, deniedOr(making, err)
	}
	left := consumer.CachedInfo().NumPending
	messages, err := consumer.Messages(jetstream.PullExpiry(headerWait))
	if err != nil {
		return nil, err
	}
	defer messages.Stop()
	found := make(map[string]storedChunk, left)
	for n := uint64(1); n <= left; n++ {
		if err := nextHeaders(ctx, messages, n, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// nextHeaders reads those of the n-th message.
func nextHeaders(ctx context.Context, messages jetstream.MessagesContext, n uint64, into map[string]storedChunk) error {
	ctx, cancel := context.WithTimeout(ctx, headerWait)
	defer cancel()
	msg, err := messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return err
	}
	meta, err := msg.Metadata()
	if err != nil {
		return err
	}
	if meta.Sequence.Consumer != n {
		return fmt.Errorf("%w: %d, want %d", errMissed, meta.Sequence.Consumer, n)
	}
	size, err := strconv.Atoi(msg.Headers().Get(nats.MsgSize))
	if err != nil {
		return fmt.Errorf("size of %s: %w", msg.Subject(), err)
	}
	into[msg.Subject()] = storedChunk{size, msg.Headers().Get(sumHeader)}
	return nil
}

// isThere reports whether a message need not be sent.
func (c *Carrier) isThere(msg *nats.Msg) bool {
	chunk, there := c.stored[msg.Subject]
	return there && chunk.sum != "" && chunk == storedChunk{len(msg.Data), msg.Header.Get(sumHeader)}
}

// publisher publishes what belongs to an upload; of one that others may carry, too, it counts only where there is nothing.
func (c *Carrier) publisher(ctx context.Context, upload string) *publisher {
	p := newPublisher(ctx, c.bus, c.bus.names.prefix+".input."+upload)
	if c.once {
		p.opts = []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(0)}
		p.refused = c.compare
	}
	return p
}

const codeSealed = 10109

// compare is the error of a message that was refused: none when there is the same, of an earlier try, an earlier client or one beside.
func (c *Carrier) compare(ctx context.Context, stream string, msg *nats.Msg, refusal error) error {
	if !conflict(refusal) && !isCode(refusal, codeSealed) {
		return refusal
	}
	found, err := c.bus.lastMessage(ctx, stream, msg.Subject)
	switch {
	case errors.Is(err, errGone):
		return refusal // it has just expired, or there is no room for another's
	case err != nil:
		return err
	case !bytes.Equal(found.Data, msg.Data):
		return mapreduce.Permanent(ErrUploadTaken)
	}
	return nil
}

// IsGone reports whether an upload has failed since it is not on the bus any more.
func IsGone(err error) bool { return errors.Is(err, errGone) }
