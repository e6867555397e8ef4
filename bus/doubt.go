package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// doubtWait is for how long the servers of a cluster must go on to say that there is no such stream: while they agree on who
// leads, one may say so of a stream that the others know.
const doubtWait = 2 * time.Second

// errNotYet: a server did not find what another may know.
var errNotYet = errors.New("the server that was asked does not have it yet")

// doubt is what is thought of the answers to one question that ask puts again and again.
type doubt struct {
	bus   *Bus
	since time.Time // from when on all answers were that there is no such stream
}

// of replaces a cluster's word that there is no such stream by errNotYet, until it has been said for long enough.
func (d *doubt) of(err error) error {
	switch {
	case !isNoStream(err) || !d.bus.clustered():
		d.since = time.Time{}
		return err
	case d.since.IsZero():
		d.since = time.Now()
	}
	if time.Since(d.since) < doubtWait {
		return errNotYet
	}
	return err
}

func isNoStream(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) || isCode(err, jetstream.JSErrCodeStreamNotFound)
}

// stream finds a stream, however long that takes.
func (b *Bus) stream(ctx context.Context, name string) (stream jetstream.Stream, err error) {
	d := doubt{bus: b}
	err = b.ask(ctx, "STREAM.INFO."+name, func(ctx context.Context) (err error) {
		stream, err = b.js.Stream(ctx, name)
		return d.of(err)
	})
	return stream, notFound(name, err)
}

// firstWord finds a stream, and does not doubt that there is none.
func (b *Bus) firstWord(ctx context.Context, name string) (stream jetstream.Stream, err error) {
	err = b.ask(ctx, "STREAM.INFO."+name, func(ctx context.Context) (err error) {
		stream, err = b.js.Stream(ctx, name)
		return err
	})
	return stream, notFound(name, err)
}

func notFound(name string, err error) error {
	if err != nil {
		return fmt.Errorf("find stream %s: %w", name, err)
	}
	return nil
}

// noStream reports whether there is no such stream: ask when a server has said so. When nobody answers for it any more, there is
// one, whose server is away.
func (b *Bus) noStream(ctx context.Context, name string) bool {
	ctx, cancel := context.WithTimeout(ctx, doubtWait+hastyWait)
	defer cancel()
	_, err := b.stream(ctx, name)
	return isNoStream(err)
}
