package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"jetreduce/mapreduce"
)

// Storage makes and drops what the tasks of a job exchange: coordinator.Storage.
type Storage struct {
	bus *Bus
	// Probes is how long the probe of a process that writes it no more stays.
	Probes time.Duration

	silences silences
}

// Storage is the storage of jobs on this bus; probes that nobody writes stay for an hour.
func (b *Bus) Storage() *Storage { return &Storage{bus: b, Probes: time.Hour} }

// Make makes the lanes that are not there. On a cluster each is on one server only, unless asked for otherwise: those whose servers are
// away are returned, after a second or two, or after four when they were new. A bus that is away as a whole is waited for.
func (s *Storage) Make(ctx context.Context, lanes []mapreduce.Lane) (gone []mapreduce.Lane, err error) {
	clustered, err := s.bus.askClustered(ctx)
	switch {
	case err != nil:
		return nil, err
	case clustered:
		return s.makeAcross(ctx, lanes)
	}
	return nil, eachLane(ctx, lanes, func(ctx context.Context, lane mapreduce.Lane) error {
		return s.bus.makeStream(ctx, s.config(lane))
	})
}

func (s *Storage) config(lane mapreduce.Lane) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: s.bus.names.lane(lane), Subjects: []string{s.bus.names.laneSubject(lane)},
		Description: "runs for " + lane.String(),
		Discard:     jetstream.DiscardNew, AllowDirect: true, PersistMode: s.bus.lazily(),
	}
}

// lazily lets a bus that brings everything to disk at once be lazy about what can be made again: runs, and the queue. On any other
// bus that would gain nothing.
func (b *Bus) lazily() jetstream.PersistModeType {
	if Durable(b.nc.ConnectedServerName()) {
		return jetstream.AsyncPersistMode
	}
	return jetstream.DefaultPersistMode
}

// Drop drops lanes and all runs on them. What servers of a cluster that are away do not let go of in time is left to Sweep.
func (s *Storage) Drop(ctx context.Context, lanes []mapreduce.Lane) error {
	for _, lane := range lanes {
		s.silences.ends(s.bus.names.lane(lane))
	}
	if s.bus.clustered() {
		var names []string
		for _, lane := range lanes {
			names = append(names, s.bus.names.lane(lane))
		}
		return s.dropAcross(ctx, names)
	}
	return eachLane(ctx, lanes, func(ctx context.Context, lane mapreduce.Lane) error {
		return s.drop(ctx, s.bus.names.lane(lane))
	})
}

func (s *Storage) drop(ctx context.Context, name string) error {
	err := s.bus.ask(ctx, "STREAM.DELETE."+name, func(ctx context.Context) error { return s.bus.js.DeleteStream(ctx, name) })
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("drop stream %s: %w", name, err)
	}
	return nil
}

// Sweep drops whatever lanes there are of these submissions, the empty streams of uploads that have expired, and the probes
// of processes that were killed.
func (s *Storage) Sweep(ctx context.Context, ended map[mapreduce.UID]bool) error {
	stray, err := s.stray(ctx, ended)
	if err != nil {
		return fmt.Errorf("look for lanes of ended jobs: %w", err)
	}
	if s.bus.clustered() {
		err = s.dropAcross(ctx, stray)
	} else {
		for _, name := range stray {
			err = errors.Join(err, s.drop(ctx, name))
		}
	}
	if err != nil {
		return err
	}
	if err := s.bus.sweepProbes(ctx, s.Probes); err != nil {
		return fmt.Errorf("remove old probes: %w", err)
	}
	return nil
}

// stray is the names of streams that nobody needs any more. Names are known while the server that has a stream is away.
func (s *Storage) stray(ctx context.Context, ended map[mapreduce.UID]bool) (stray []string, err error) {
	names, err := s.bus.streamNames(ctx, "")
	for _, name := range names {
		if ended[s.bus.names.laneOwner(name)] || s.bus.hasExpired(ctx, name) {
			stray = append(stray, name)
		}
	}
	return stray, err
}

// eachLane does something about all lanes, several at a time.
func eachLane(ctx context.Context, lanes []mapreduce.Lane, do func(context.Context, mapreduce.Lane) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lanesAtOnce)
	for _, lane := range lanes {
		group.Go(func() error { return do(ctx, lane) })
	}
	return group.Wait()
}

const lanesAtOnce = 16
