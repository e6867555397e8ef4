package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Sight shows one process who leads: backup.Sight. One goroutine uses it.
type Sight struct {
	bus     *Bus
	process string
	state   jetstream.Stream // found by the first look
}

// Sight is what this process sees. The name is a token, [A-Za-z0-9_-]{1,64}, and no other process may have it.
func (b *Bus) Sight(process string) *Sight { return &Sight{bus: b, process: process} }

// Look writes this process's probe, then reads who leads. What it reads may be stale: only Acquire proves anything.
func (s *Sight) Look(ctx context.Context) (mapreduce.Leadership, error) {
	if !mapreduce.ValidProcess(s.process) {
		return mapreduce.Leadership{}, invalid(s.process)
	}
	if _, err := s.bus.put(ctx, s.probe(), mapreduce.RecordVersion); err != nil {
		return mapreduce.Leadership{}, fmt.Errorf("write probe: %w", err)
	}
	if err := s.find(ctx); err != nil {
		return mapreduce.Leadership{}, err
	}
	// The lease first: the epoch that stands a moment later is its own, or one after it.
	lease, err := s.bus.renewal(ctx, s.state)
	if err != nil {
		return mapreduce.Leadership{}, err
	}
	epoch, err := s.bus.last(ctx, s.state, epochKey)
	if err != nil {
		return mapreduce.Leadership{}, err
	}
	return leadership(epoch, lease)
}

// leadership puts together what stands under the two keys; nil: nothing does. The lease of an earlier epoch says nothing
// about this one, whose holder has not renewed yet.
func leadership(epoch, lease *jetstream.RawStreamMsg) (mapreduce.Leadership, error) {
	if epoch == nil {
		return mapreduce.Leadership{}, nil
	}
	seen := mapreduce.Leadership{
		Epoch: mapreduce.Epoch(epoch.Sequence), Revision: epoch.Sequence, Holder: string(epoch.Data),
	}
	if lease == nil {
		return seen, nil
	}
	var record leaseRecord
	if err := decode(leaseKey, lease.Data, &record); err != nil {
		return mapreduce.Leadership{}, err
	}
	if err := understood(leaseKey, record.Version); err != nil {
		return mapreduce.Leadership{}, err
	}
	if record.Epoch == seen.Epoch {
		seen.Revision, seen.Released = lease.Sequence, record.Released
	}
	return seen, nil
}

// Leave removes this process's probe.
func (s *Sight) Leave(ctx context.Context) error {
	if !mapreduce.ValidProcess(s.process) {
		return nil // it has never written one
	}
	if err := s.find(ctx); err != nil {
		return err
	}
	err := s.bus.ask(ctx, "STREAM.PURGE."+bucket(s.bus.names.state()), func(ctx context.Context) error {
		return s.state.Purge(ctx, jetstream.WithPurgeSubject(s.probe()))
	})
	if err != nil {
		return fmt.Errorf("remove probe %s: %w", s.process, err)
	}
	return nil
}

func (s *Sight) probe() string { return key(s.bus.names.state(), probeKey(s.process)) }

func (s *Sight) find(ctx context.Context) (err error) {
	if s.state == nil {
		s.state, err = s.bus.stream(ctx, bucket(s.bus.names.state()))
	}
	return err
}

// renewal returns the lease, or nil: nobody has renewed. A message without payload is the word that the key was deleted, which says
// no more than that. The epoch needs no such look: whatever stands there last has a revision to take the next epoch after, and cuts
// the fence of whoever led.
func (b *Bus) renewal(ctx context.Context, state jetstream.Stream) (*jetstream.RawStreamMsg, error) {
	lease, err := b.last(ctx, state, leaseKey)
	if err != nil || lease == nil || len(lease.Data) == 0 {
		return nil, err
	}
	return lease, nil
}

// last returns what stands under a key of the state bucket, or nil. It asks who leads the stream: a direct get may go to a server that is
// paused, each time anew, and who stands by would never see for long enough that nobody leads.
func (b *Bus) last(ctx context.Context, state jetstream.Stream, k string) (*jetstream.RawStreamMsg, error) {
	var found *jetstream.RawStreamMsg
	name := state.CachedInfo().Config.Name
	err := b.ask(ctx, "STREAM.MSG.GET."+name, func(ctx context.Context) (err error) {
		found, err = b.leadersMessage(ctx, name, map[string]any{"last_by_subj": key(b.names.state(), k)})
		return err
	})
	switch {
	case errors.Is(err, errGone):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", k, err)
	}
	return found, nil
}
