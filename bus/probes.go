package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// sweepProbes removes the probes of standbys that did not leave: each process has a key of its own, and one that was killed
// leaves it behind. A process that only slept writes it again.
func (b *Bus) sweepProbes(ctx context.Context, age time.Duration) error {
	name := bucket(b.names.state())
	state, err := b.stream(ctx, name)
	if err != nil {
		return err
	}
	var info *jetstream.StreamInfo
	err = b.ask(ctx, "STREAM.INFO."+name, func(ctx context.Context) (err error) {
		info, err = state.Info(ctx, jetstream.WithSubjectFilter(key(b.names.state(), probeKey("*"))))
		return err
	})
	if err != nil {
		return fmt.Errorf("list probes: %w", err)
	}
	for subject := range info.State.Subjects {
		if err := b.sweepProbe(ctx, state, subject, info.TimeStamp.Add(-age)); err != nil {
			return fmt.Errorf("%s: %w", subject, err)
		}
	}
	return nil
}

// sweepProbe removes a probe that was last written before some time of the server's, and never one that is written now.
func (b *Bus) sweepProbe(ctx context.Context, state jetstream.Stream, subject string, before time.Time) error {
	var found *jetstream.RawStreamMsg
	err := b.ask(ctx, "GET."+state.CachedInfo().Config.Name, func(ctx context.Context) (err error) {
		found, err = state.GetLastMsgForSubject(ctx, subject)
		return err
	})
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil
	case err != nil || found.Time.After(before):
		return err
	}
	return b.ask(ctx, "STREAM.PURGE."+state.CachedInfo().Config.Name, func(ctx context.Context) error {
		return state.Purge(ctx, jetstream.WithPurgeSubject(subject), jetstream.WithPurgeSequence(found.Sequence+1))
	})
}
