package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// How often a follower compares what it was sent with what the stream holds. In a cluster a consumer may be blind for many
// seconds after its server has died, and does not know it; the connection to a server alone is lost with it.
const (
	followLook      = 500 * time.Millisecond
	followLookAlone = 2 * time.Second
)

// followRest is the first pause between a consumer of a follower and the next.
const followRest = 20 * time.Millisecond

// followIdle is after how long the server forgets the consumer of a follower that is gone, or has another.
const followIdle = 30 * time.Second

// follower follows one stream for a feed.
type follower struct {
	*Feed
	stream string
	handle func(jetstream.Msg) error
	passed func(seq uint64)
	seen   atomic.Uint64 // the last that was handed over
}

// follow hands over a stream's messages from its beginning, in order, until the feed is closed; passed is told of each
// after that. What the server does to the consumer is mended by a new one that goes on from there. It ends with an error
// when a message cannot be handled, or when the stream is gone.
func (f *Feed) follow(stream string, handle func(jetstream.Msg) error, passed func(seq uint64)) error {
	w := &follower{Feed: f, stream: stream, handle: handle, passed: passed}
	for pause := followRest; f.ctx.Err() == nil; pause = min(2*pause, time.Second) {
		before := w.seen.Load()
		err := w.goOn()
		if w.seen.Load() > before {
			pause = followRest
		}
		var bad unfit
		if errors.As(err, &bad) || errors.Is(err, ErrDenied) || errors.Is(err, jetstream.ErrStreamNotFound) && f.bus.noStream(f.ctx, stream) {
			return fmt.Errorf("follow %s: %w", stream, err)
		}
		if f.ctx.Err() == nil {
			w.say(err)
			_ = wait(f.ctx, pause)
		}
	}
	return nil
}

// say logs why there is to be a new consumer. That the account may have no more of them does not pass by itself.
func (w *follower) say(err error) {
	if isCode(err, codeMaxConsumers) {
		err = w.bus.withinLimits(w.ctx, err)
		w.log.Warn("cannot follow a stream, and tries again", "stream", w.stream, "cause", err)
		return
	}
	w.log.Info("follows a stream anew", "stream", w.stream, "after", w.seen.Load(), "cause", err)
}

// unfit is the error of a message that cannot be handled, now or later.
type unfit struct{ error }

func (u unfit) Unwrap() error { return u.error }

// goOn follows with one consumer, behind what was seen, until something is wrong with it: all of that is mended alike.
func (w *follower) goOn() (err error) {
	ctx, heard := w.bus.denials.until(w.ctx, "CONSUMER.MSG.NEXT."+w.stream)
	defer heard()
	defer func() { err = deniedOr(ctx, err) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// What was under way when the connection was lost is lost as well.
	defer context.AfterFunc(w.bus.session(), func() { cancel(errReconnected) })()
	messages, err := w.messages(ctx)
	if err != nil {
		return err
	}
	defer messages.Stop()
	var watching sync.WaitGroup
	watching.Go(func() { w.watch(ctx, cancel) })
	defer watching.Wait()
	defer cancel(nil)
	for n := uint64(1); err == nil; n++ {
		err = w.next(ctx, messages, n)
	}
	return err
}

// next hands over the next message, which must be the n-th of its consumer.
func (w *follower) next(ctx context.Context, messages jetstream.MessagesContext, n uint64) error {
	msg, err := messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	meta, err := msg.Metadata()
	if err != nil {
		return err
	}
	if meta.Sequence.Consumer != n {
		return fmt.Errorf("%w: %d, want %d", errMissed, meta.Sequence.Consumer, n)
	}
	if err := w.handle(msg); err != nil {
		return unfit{mapreduce.Permanent(err)}
	}
	w.seen.Store(meta.Sequence.Stream)
	w.passed(meta.Sequence.Stream)
	return nil
}

// messages makes a consumer behind what was seen. An ordered consumer of the client would mend itself, with waits of up to
// ten seconds that nothing ends, and one that is stopped while it does that goes on for ever.
func (w *follower) messages(ctx context.Context) (jetstream.MessagesContext, error) {
	ctx, heard := w.bus.denials.until(ctx, "CONSUMER.CREATE."+w.stream)
	defer heard()
	ctx, cancel := context.WithTimeout(ctx, w.bus.tryWait(0))
	defer cancel()
	consumer, err := w.bus.js.CreateConsumer(ctx, w.stream, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       w.seen.Load() + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: followIdle,
	})
	if err != nil {
		return nil, deniedOr(ctx, err)
	}
	return consumer.Messages(jetstream.PullExpiry(time.Minute), jetstream.WithMessagesErrOnMissingHeartbeat(true))
}

var (
	errBlind       = errors.New("the consumer shows nothing of what the stream holds")
	errMissed      = errors.New("a message of the consumer has not arrived")
	errReconnected = errors.New("the connection was lost and is back")
)

// watch ends a consumer that has shown nothing for two looks while there was something, or whose stream is gone.
func (w *follower) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	every := followLookAlone
	if w.bus.clustered() {
		every = followLook
	}
	blind, before := false, uint64(0)
	for wait(ctx, every) == nil {
		now := w.seen.Load()
		there, err := w.beyond(ctx, now)
		switch {
		case err != nil:
			cancel(err)
			return
		case there && blind && now == before:
			cancel(errBlind)
			return
		}
		blind, before = there, now
	}
}

// beyond reports whether the stream holds a message behind seq. The only error is that there is no such stream; while the
// bus is away, nothing is known.
func (w *follower) beyond(ctx context.Context, seq uint64) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, w.bus.tryWait(0))
	defer cancel()
	stream, err := w.bus.js.Stream(ctx, w.stream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return false, err
	case err != nil || stream.CachedInfo().State.LastSeq <= seq:
		return false, nil
	}
	_, err = stream.GetMsg(ctx, seq+1, jetstream.WithGetMsgSubject(">")) // what came behind may have been purged
	return err == nil, nil
}
