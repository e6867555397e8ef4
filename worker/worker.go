package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/input"
)

// Config says what a worker works with. Fields without a default are needed.
type Config struct {
	ID      mapreduce.WorkerID
	Pool    mapreduce.Pool    // whose tasks it takes, as its queue knows; "": the default one
	Class   mapreduce.Class   // of map and reduce tasks that it can run
	Also    []mapreduce.Class // more such classes, for the same slots
	Slots   int               // how many of them at a time; a slot for plan and finish tasks comes on top
	Memory  int64             // bytes for sorting and grouping, in all slots together
	Scratch string            // directory for spills
	Program func(name string) (mapreduce.Program, error)

	// Commands makes the program that runs a job's commands. Only a worker that takes tasks of the class exec runs it; others need to know
	// how its rows look. Nil: it knows no commands.
	Commands func(mapreduce.Commands) mapreduce.Program

	Queue   Queue
	Commits Commits
	Runs    Runs
	Plans   Plans
	Pulse   Pulse

	Root    string                  // the one directory in which job's files are read and written; empty: everywhere
	Schemes map[string]input.Scheme // inputs that are no files
	Results Results                 // where objects go; nil: outputs are files only
	Tables  Tables                  // where rows go that become keys of a bucket or messages; nil: nowhere

	NoIO      bool // plan and finish tasks are for others
	Log       *slog.Logger
	Host      string        // for users to see
	BeatEvery time.Duration // 500 ms
}

// Worker is one life of a worker process.
type Worker struct {
	Config
	attempts atomic.Uint32 // received so far
	received chan struct{} // poked when another was
	running  register
	plans    planCache
	shipped  shipped
	workshop workshop
	stranded stranded
}

// New makes a worker.
func New(config Config) *Worker {
	if config.BeatEvery == 0 {
		config.BeatEvery = 500 * time.Millisecond
	}
	return &Worker{Config: config, received: make(chan struct{}, 1), running: register{}, plans: planCache{source: config.Plans}}
}

// Run works until ctx ends, and hands back what it has not finished. It returns nil when it was told to stop, and an
// error when the bus gave up.
func (w *Worker) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	// Heartbeats go on until the last slot has handed back what it had: only then a good-bye is true.
	beating, silence := context.WithCancel(context.WithoutCancel(ctx))
	var slots sync.WaitGroup
	for _, s := range w.slots() {
		slots.Add(1)
		group.Go(func() error {
			defer slots.Done()
			return s.serve(ctx)
		})
	}
	group.Go(func() error { return w.beat(beating) })
	slots.Wait()
	silence()
	err := group.Wait()
	w.shipped.clear()
	if err := w.workshop.close(); err != nil {
		w.Log.Warn("something is left of the worker's directory: remove it", "scratch", w.Scratch, "cause", err)
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// slots is all slots of the worker.
func (w *Worker) slots() (slots []*slot) {
	classes := append([]mapreduce.Class{w.Class}, w.Also...)
	for range w.Slots {
		slots = append(slots, w.slot(classes...))
	}
	if !w.NoIO {
		slots = append(slots, w.slot(mapreduce.IO))
	}
	return slots
}

// reach is what this worker reads.
func (w *Worker) reach() input.Reach { return input.Reach{Root: w.Root, Schemes: w.Schemes} }

// beat sends heartbeats, keeps the queue patient, and says good-bye.
func (w *Worker) beat(ctx context.Context) error {
	called := make(chan struct{}, 1)
	stop, err := w.Pulse.OnRoll(func() { poke(called) })
	if err != nil {
		return fmt.Errorf("worker %s: %w", w.ID, err)
	}
	defer stop()
	stopOver, err := w.Pulse.OnOver(w.over)
	if err != nil {
		return fmt.Errorf("worker %s: %w", w.ID, err)
	}
	defer stopOver()
	ticker := time.NewTicker(w.BeatEvery)
	defer ticker.Stop()
	for {
		w.say(mapreduce.Beat{Running: w.running.list()})
		w.extend(ctx)
		if err := w.untilNextBeat(ctx, ticker.C, called); err != nil {
			w.say(mapreduce.Beat{Bye: true})
			return err
		}
	}
}

// over ends what nobody needs any more.
func (w *Worker) over(over mapreduce.Over) {
	w.running.end(over, errOver)
	if over.Task == nil {
		w.shipped.drop(over.UID)
	}
}

// extend tells the queue of the tasks that go on.
func (w *Worker) extend(ctx context.Context) {
	for _, receipt := range w.running.due(time.Now()) {
		if err := w.Queue.Extend(ctx, receipt); err != nil {
			w.Log.Warn("the queue was not told that a task goes on", "worker", w.ID, "cause", err)
		}
	}
}

// untilNextBeat waits for the clock, for a leader that calls the roll, or for a task that was received: one that no heartbeat
// has named is missed by nobody when this worker dies, until the queue has lost its patience. Tasks may be short, so the last
// heartbeat must be a moment old.
func (w *Worker) untilNextBeat(ctx context.Context, clock <-chan time.Time, called <-chan struct{}) error {
	moment := time.NewTimer(w.BeatEvery / 10)
	defer moment.Stop()
	var received <-chan struct{}
	for {
		select {
		case <-moment.C:
			received = w.received
		case <-received:
			return nil
		case <-clock:
			return nil
		case <-called:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// poke wakes whoever listens, now or next.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is awake
	}
}

func (w *Worker) say(beat mapreduce.Beat) {
	beat.Version, beat.Worker, beat.Host, beat.Pool, beat.At = mapreduce.RecordVersion, w.ID, w.Host, w.Pool, time.Now()
	beat.Slots = map[mapreduce.Class]int{}
	for _, s := range w.slots() {
		for _, class := range s.classes {
			beat.Slots[class]++
		}
	}
	if err := w.Pulse.Beat(beat); err != nil {
		w.Log.Warn("a heartbeat was not sent", "worker", w.ID, "cause", err)
	}
}
