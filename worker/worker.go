package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"jetreduce/mapreduce"
)

// Config says what a worker works with. Fields without a default are needed.
type Config struct {
	ID      mapreduce.WorkerID
	Class   mapreduce.Class // of map and reduce tasks that it can run
	Slots   int             // how many of them at a time; a slot for plan and finish tasks comes on top
	Memory  int64           // bytes for sorting and grouping, in all slots together
	Scratch string          // directory for spills
	Program func(name string) (mapreduce.Program, error)

	Queue   Queue
	Commits Commits
	Runs    Runs
	Plans   Plans
	Pulse   Pulse

	Log       *slog.Logger
	Host      string        // for users to see
	BeatEvery time.Duration // 500 ms
}

// Worker is one life of a worker process.
type Worker struct {
	Config
	attempts atomic.Uint32 // begun so far
	running  register
	plans    planCache
}

// New makes a worker.
func New(config Config) *Worker {
	if config.BeatEvery == 0 {
		config.BeatEvery = 500 * time.Millisecond
	}
	return &Worker{Config: config, running: register{}, plans: planCache{source: config.Plans}}
}

// Run works until ctx ends, and hands back what it has not finished. It returns nil when it was told to stop, and an
// error when the bus gave up.
func (w *Worker) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	// Heartbeats go on until the last slot has handed back what it had: only then a good-bye is true.
	beating, silence := context.WithCancel(context.WithoutCancel(ctx))
	var slots sync.WaitGroup
	for _, class := range append(slices.Repeat([]mapreduce.Class{w.Class}, w.Slots), mapreduce.IO) {
		slots.Add(1)
		group.Go(func() error {
			defer slots.Done()
			return w.serve(ctx, class)
		})
	}
	group.Go(func() error { return w.beat(beating) })
	slots.Wait()
	silence()
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// serve is the life of one slot.
func (w *Worker) serve(ctx context.Context, class mapreduce.Class) error {
	for {
		delivery, err := w.Queue.Pull(ctx, class)
		if err != nil {
			return fmt.Errorf("worker %s: %w", w.ID, err)
		}
		w.attempt(ctx, delivery)
	}
}

// beat sends heartbeats, on a clock and when a leader calls the roll, keeps the queue patient, and says good-bye.
func (w *Worker) beat(ctx context.Context) error {
	called := make(chan struct{}, 1)
	stop, err := w.Pulse.OnRoll(func() {
		select {
		case called <- struct{}{}:
		default: // an answer is on its way
		}
	})
	if err != nil {
		return fmt.Errorf("worker %s: %w", w.ID, err)
	}
	defer stop()
	ticker := time.NewTicker(w.BeatEvery)
	defer ticker.Stop()
	for {
		w.say(mapreduce.Beat{Running: w.running.list()})
		for _, receipt := range w.running.due(time.Now()) {
			if err := w.Queue.Extend(ctx, receipt); err != nil {
				w.Log.Warn("the queue was not told that a task goes on", "worker", w.ID, "cause", err)
			}
		}
		select {
		case <-ticker.C:
		case <-called:
		case <-ctx.Done():
			w.say(mapreduce.Beat{Bye: true})
			return ctx.Err()
		}
	}
}

func (w *Worker) say(beat mapreduce.Beat) {
	beat.Version, beat.Worker, beat.Host = mapreduce.RecordVersion, w.ID, w.Host
	beat.Slots = map[mapreduce.Class]int{w.Class: w.Slots, mapreduce.IO: 1}
	if err := w.Pulse.Beat(beat); err != nil {
		w.Log.Warn("a heartbeat was not sent", "worker", w.ID, "cause", err)
	}
}
