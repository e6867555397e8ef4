package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"jetreduce/mapreduce"
)

// Storage makes and drops what the tasks of a job exchange: coordinator.Storage.
type Storage struct{ bus *Bus }

// Storage is the storage of jobs on this bus.
func (b *Bus) Storage() *Storage { return &Storage{b} }

// Make makes the lanes that are not there.
func (s *Storage) Make(ctx context.Context, lanes []mapreduce.Lane) error {
	return eachLane(ctx, lanes, func(ctx context.Context, lane mapreduce.Lane) error {
		return s.bus.makeStream(ctx, jetstream.StreamConfig{
			Name: s.bus.names.lane(lane), Subjects: []string{s.bus.names.laneSubject(lane)},
			Description: "runs for " + lane.String(),
			Discard:     jetstream.DiscardNew, AllowDirect: true,
		})
	})
}

// Drop drops lanes and all runs on them.
func (s *Storage) Drop(ctx context.Context, lanes []mapreduce.Lane) error {
	return eachLane(ctx, lanes, func(ctx context.Context, lane mapreduce.Lane) error {
		name := s.bus.names.lane(lane)
		err := ask(ctx, func(ctx context.Context) error { return s.bus.js.DeleteStream(ctx, name) })
		if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return fmt.Errorf("drop stream %s: %w", name, err)
		}
		return nil
	})
}

// eachLane does something about all lanes, several at a time.
func eachLane(ctx context.Context, lanes []mapreduce.Lane, do func(context.Context, mapreduce.Lane) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for _, lane := range lanes {
		group.Go(func() error { return do(ctx, lane) })
	}
	return group.Wait()
}
