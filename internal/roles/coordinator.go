// Package roles is the wiring of a coordinator and of a worker to a bus: what an embedded run and the daemons have in
// common. The rooms do not see each other; here they are introduced.
package roles

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"jetreduce/backup"
	"jetreduce/bus"
	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// Class is what the worker of this binary can run.
const Class mapreduce.Class = "builtin-1"

// Classes are those whose tasks stand in the queue, besides io.
func Classes() []mapreduce.Class { return []mapreduce.Class{Class, mapreduce.Exec} }

// Coordinator is a process that leads, or stands by with a warm replica while another leads.
type Coordinator struct {
	Bus    *bus.Bus
	Name   string // of the process, new in each life
	Log    *slog.Logger
	Config coordinator.Config // defaults where zero
	Backup backup.Config      // likewise

	Signs *Signs // may be nil; told of the life of this process

	Reign func(ctx context.Context) // may be nil; what else this process does while it leads, until ctx ends
}

// Run leads or stands by until ctx ends, then gives up what it holds and returns nil. It returns an error when it cannot
// do either, such as records of another version.
func (c Coordinator) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := &standby{c: c, stop: stop}
	s.begin(ctx)
	defer s.end()
	c.Backup.Log = c.Log
	lease, sight := c.Signs.lease(c.Bus.Lease(c.Name)), c.Signs.sight(c.Bus.Sight(c.Name))
	err := backup.Run(ctx, c.Backup, lease, sight, func(reign context.Context, epoch mapreduce.Epoch) error {
		defer s.begin(ctx)
		defer c.beside(reign)()
		return s.lead(reign, epoch)
	})
	if cause := context.Cause(ctx); mapreduce.IsPermanent(cause) {
		return cause
	}
	return err
}

// beside begins what else a leader does, and returns how to end it.
func (c Coordinator) beside(ctx context.Context) (end func()) {
	if c.Reign == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var reigning sync.WaitGroup
	reigning.Go(func() { c.Reign(ctx) })
	return func() {
		cancel()
		reigning.Wait()
	}
}

// Lead leads at once and for good, in a system that has no other coordinator.
func (c Coordinator) Lead(ctx context.Context) error {
	r := c.replica() // it begins to follow meanwhile
	defer r.close()
	standing, err := c.Bus.Sight(c.Name).Look(ctx)
	if err != nil {
		return fmt.Errorf("look who led: %w", err)
	}
	epoch, err := c.Bus.Lease(c.Name).Acquire(ctx, standing.Epoch)
	if err != nil {
		return err
	}
	return r.Lead(ctx, epoch)
}

// replica is a replica and what is its own.
type replica struct {
	*coordinator.Replica
	feed  *bus.Feed
	queue *bus.Queue
}

func (r *replica) close() {
	r.feed.Close()
	r.queue.Close()
}

func (c Coordinator) replica() *replica {
	config := c.Config
	config.Class, config.Process = Class, c.Name
	r := &replica{feed: c.Bus.OpenFeed(c.Log).Named(c.Name), queue: c.Bus.Queue(c.Log)}
	r.Replica = coordinator.NewReplica(config, coordinator.Surroundings{
		Feed: r.feed, Log: c.Log, Now: time.Now,
		Means: func(epoch mapreduce.Epoch) coordinator.Means { return c.means(epoch, r.queue) },
	})
	return r
}

func (c Coordinator) means(epoch mapreduce.Epoch, queue *bus.Queue) coordinator.Means {
	journal, desk := c.Bus.Journal(epoch), c.Bus.Desk()
	return coordinator.Means{
		Journal: journal, Ledger: journal, Queue: queue, Classes: queue, Storage: c.Bus.Storage(), Rosters: c.Bus.Storage(),
		Uploads: c.Bus.Uploads(), Links: c.Bus.Links(), Buckets: c.Bus.Tables(), Archive: c.Bus.History(), Inbox: desk, Herald: desk,
		NewUID: func() mapreduce.UID { return mapreduce.UID(NewName("", 10)) },
	}
}

// standby keeps a replica warm while this process does not lead.
type standby struct {
	c    Coordinator
	stop context.CancelCauseFunc // ends the process: it cannot understand what it finds

	cancel context.CancelFunc
	warm   chan *replica // gives one, when the following has ended; nil: there is none
}

// begin follows, until take or end, with a new replica: one that has led knows what only a leader may know.
func (s *standby) begin(ctx context.Context) {
	ctx, s.cancel = context.WithCancel(ctx)
	s.warm = make(chan *replica, 1)
	go func() { s.warm <- s.follow(ctx) }()
}

// followAgain is how long a standby whose replica failed leaves the bus in peace.
const followAgain = time.Second

// follow keeps a replica warm until ctx ends, and returns it as it is then. One that fails is replaced.
func (s *standby) follow(ctx context.Context) *replica {
	for ctx.Err() == nil {
		r := s.c.replica()
		err := r.Follow(ctx)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return r
		}
		r.close()
		if mapreduce.IsPermanent(err) {
			s.stop(err)
			return nil
		}
		s.c.Log.Warn("the replica failed: follows with a new one", "after", followAgain, "cause", err)
		pause(ctx, followAgain)
	}
	return nil
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// take ends the following, and returns the replica as it is then, or nil.
func (s *standby) take() *replica {
	s.cancel()
	return <-s.warm
}

// end ends the following for good.
func (s *standby) end() {
	if r := s.take(); r != nil {
		r.close()
	}
}

func (s *standby) lead(ctx context.Context, epoch mapreduce.Epoch) error {
	r := s.take()
	if r == nil {
		s.c.Log.Warn("no replica is warm: leads from a cold one", "epoch", epoch)
		r = s.c.replica()
	}
	defer r.close()
	return r.Lead(ctx, epoch)
}

// NewName makes a random name of n letters and digits behind a prefix.
func NewName(prefix string, n int) string { return prefix + strings.ToLower(rand.Text()[:n]) }
