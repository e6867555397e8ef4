package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// namedWait is how long what a user has named may hold up the leader, if it does not answer: a bucket, an upload.
const namedWait = 8 * time.Second

// errMute: what a user has named does not answer, though the bus does.
var errMute = errors.New("does not answer")

// within bounds a call about what a user has named, which may stand on a stream that is sealed, full, without a leader, or no
// bucket at all: none of that is to stop the leader. What the server answers is its last word, a permanent error, but for
// mapreduce.ErrOvertaken. Silence is errMute when the bus has been there all the time and answers others; else nothing is
// known, and the error is what ask returned.
func (b *Bus) within(ctx context.Context, limit time.Duration, call func(ctx context.Context) error) error {
	session := b.session()
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := call(bounded)
	switch {
	case err == nil || ctx.Err() != nil || errors.Is(err, mapreduce.ErrOvertaken):
		return err
	case answered(err) && !busy(err) && !switchedOff(err):
		return mapreduce.Permanent(err)
	case bounded.Err() != nil && session.Err() == nil && b.answers(ctx):
		return fmt.Errorf("%w within %s: %w", errMute, limit, err)
	}
	return err
}

// switchedOff reports whether a server answered whose JetStream is off, as it is for a moment when the server ends.
func switchedOff(err error) bool {
	return isCode(err, jetstream.JSErrCodeJetStreamNotEnabled) || isCode(err, jetstream.JSErrCodeJetStreamNotEnabledForAccount)
}

// answers reports whether the bus answers about a stream of its own.
func (b *Bus) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := b.js.Stream(ctx, bucket(b.names.state()))
	return answered(err) && !busy(err) && !switchedOff(err)
}

// goneFrom reports whether a call found no such bucket or stream.
func goneFrom(err error) bool {
	return errors.Is(err, errGone) || errors.Is(err, jetstream.ErrStreamNotFound)
}
