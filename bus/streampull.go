package bus

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// pullExpiry is how long a consumer outlives a reader that was killed, or that does not ask for more.
	pullExpiry = 30 * time.Second
	// bareAverage is the size of messages from which on it pays to have only their headers sent: these are slower to read.
	bareAverage = 700
)

// pullFeed pulls from a consumer of its own, which keeps no account of what was read: the server sends only what the
// filters take, without the headers that a direct get adds. While what one pull brought is read, the next is under way.
type pullFeed struct {
	bus  *Bus
	span span
	bare bool // headers only
	gets feed // for when the server makes no consumer

	name    string // of the consumer; "": there is none
	inbox   *pullInbox
	lent    []stored // what next gave last
	refused bool
	silent  int // times in a row that nothing came: it may be looking through very much, and is to be let
}

func (f *pullFeed) next(ctx context.Context, from, most uint64) ([]stored, error) {
	if f.inbox == nil && !f.refused {
		if err := f.open(ctx, from); err != nil {
			return nil, err
		}
	}
	if f.refused {
		return f.gets.next(ctx, from, most)
	}
	pulling, heard := f.bus.denials.until(ctx, "CONSUMER.MSG.NEXT."+f.span.stream)
	defer heard()
	found, err := f.pulled(pulling, most)
	if errors.Is(deniedOr(pulling, err), ErrDenied) {
		f.reset(ctx)
		f.refused = true
		return f.gets.next(ctx, from, most)
	}
	return found, err
}

// pulled gives what the consumer sends.
func (f *pullFeed) pulled(ctx context.Context, most uint64) ([]stored, error) {
	for {
		found, state := f.inbox.take(f.lent[:0])
		f.lent = found
		left := most - uint64(len(found))
		if state == pullOver && left > 0 {
			if err := f.pull(ctx, left, len(found) == 0); err != nil {
				return nil, err
			}
		}
		if len(found) > 0 {
			f.silent = 0
			return found, nil
		}
		if state == pullBroken || state == pullEmpty {
			return nil, nil
		}
		if more, err := f.await(ctx); !more || err != nil {
			return nil, err
		}
	}
}

// open makes a consumer that begins at a sequence. A server that refuses to is not asked again: gets need no permission but to read.
func (f *pullFeed) open(ctx context.Context, from uint64) error {
	about := "CONSUMER.CREATE." + f.span.stream
	if f.refused = f.bus.denials.before(about); f.refused {
		return nil
	}
	config := f.consumer(from)
	session, d := f.bus.session(), doubt{bus: f.bus}
	err := f.bus.ask(ctx, about, func(ctx context.Context) error {
		_, err := f.bus.js.CreateOrUpdateConsumer(ctx, f.span.stream, config)
		return d.of(err)
	})
	switch {
	case isNoStream(err):
		return permanentIfGone(err)
	case err != nil && answered(err), errors.Is(err, ErrDenied):
		f.refused = true
		return nil
	case err != nil:
		return err
	}
	f.name = config.Name
	f.inbox, err = newPullInbox(f.bus, session)
	return err
}

// consumer is a new one, that ends by itself.
func (f *pullFeed) consumer(from uint64) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Name: "jetreduce-" + rand.Text(), DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
		AckPolicy: jetstream.AckNonePolicy, FilterSubjects: f.span.filters, HeadersOnly: f.bare,
		InactiveThreshold: pullExpiry, Replicas: 1, MemoryStorage: true,
	}
}

// pull asks for more. Of the requests of a connection only so many are under way; who has something to read already does
// not wait for its turn.
func (f *pullFeed) pull(ctx context.Context, most uint64, wait bool) error {
	select {
	case f.bus.fetches <- struct{}{}:
	default:
		if !wait {
			return nil
		}
		select {
		case f.bus.fetches <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	batch, bytes := min(most, streamBatch), streamBytes
	if f.inbox.tooBig() { // the next message alone is larger than a pull may be
		batch, bytes = 1, 0
	}
	reply := f.inbox.begin(int(batch), bytes)
	request, err := json.Marshal(struct {
		Batch    uint64 `json:"batch"`
		MaxBytes int    `json:"max_bytes,omitempty"`
		NoWait   bool   `json:"no_wait"`
	}{batch, bytes, true})
	if err == nil {
		err = f.bus.nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+f.span.stream+"."+f.name, reply, request)
	}
	return err
}

// await waits for what was asked for; no more: it did not come, and who asks begins afresh.
func (f *pullFeed) await(ctx context.Context) (more bool, err error) {
	timer := time.NewTimer(answerWait << min(f.silent, 4))
	defer timer.Stop()
	select {
	case <-f.inbox.news:
		return true, nil
	case <-f.inbox.session.Done():
	case <-timer.C:
		f.silent++
	case <-ctx.Done():
		return false, ctx.Err()
	}
	f.reset(ctx)
	return false, nil
}

// reset gives the consumer back. If that does not arrive, or is not permitted, it expires.
func (f *pullFeed) reset(ctx context.Context) {
	if f.inbox != nil {
		f.inbox.close()
		f.inbox = nil
	}
	if f.name == "" {
		return
	}
	name, about := f.name, "CONSUMER.DELETE."+f.span.stream
	if f.name = ""; f.bus.denials.before(about) {
		return
	}
	ctx, heard := f.bus.denials.until(ctx, about)
	defer heard()
	ctx, cancel := context.WithTimeout(ctx, hastyWait)
	defer cancel()
	_ = f.bus.js.DeleteConsumer(ctx, f.span.stream, name)
}
