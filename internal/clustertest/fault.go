package clustertest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"jetreduce/mapreduce"
	"jetreduce/worker"
)

// Point is a moment in the life of an attempt.
type Point string

// The points at which an attempt can be hit.
const (
	Pulled    Point = "pulled"    // it has its task, and has done nothing
	Held      Point = "held"      // its worker has asked ahead for it, and still does another
	Published Point = "published" // some of its output is on the bus; of finish: the end is decided, nothing is published
	Committed Point = "committed" // its output counts, and the queue does not know
)

// Fault is what happens to a worker: at the first attempt of a phase that reaches a point, it dies, or stalls until the
// others have committed the task without it, and then goes on as if nothing had happened.
type Fault struct {
	Phase mapreduce.Phase
	Point Point
	Dies  bool // else it stalls

	once  sync.Once
	hit   chan struct{} // closed when the fault has struck
	awake chan struct{} // closed when the stalled worker goes on
	life  atomic.Value  // <-chan struct{}, closed when the victim is told to stop
	acted chan struct{} // closed when the stalled worker has settled, late, the delivery that it was struck with

	takenAhead atomic.Int32
	ahead      chan struct{} // closed when a worker was given a task that it had asked for ahead

	mu       sync.Mutex
	victim   mapreduce.TaskID
	receipts map[string]mapreduce.TaskID              // of the victim's deliveries
	commits  map[mapreduce.TaskID][]mapreduce.Attempt // attempts that were told that they won
}

// NewFault makes a fault.
func NewFault(phase mapreduce.Phase, point Point, dies bool) *Fault {
	return &Fault{
		Phase: phase, Point: point, Dies: dies,
		hit: make(chan struct{}), awake: make(chan struct{}), acted: make(chan struct{}), ahead: make(chan struct{}),
		receipts: map[string]mapreduce.TaskID{}, commits: map[mapreduce.TaskID][]mapreduce.Attempt{},
	}
}

// Refit gives worker 0 to the fault. The others begin to work only when it has struck, so that it always does.
func (f *Fault) Refit(number int, c *worker.Config) {
	c.BeatEvery = 50 * time.Millisecond
	tasks := c.Queue.(queue)
	if number == 0 {
		c.Queue, c.Pulse = &victimQueue{f, tasks}, &victimPulse{f, c.Pulse}
		c.Runs, c.Plans = &victimRuns{f, c.Runs}, &victimPlans{f, c.Plans}
		c.Commits = &victimCommits{f, &witness{f, c.Commits}}
		return
	}
	c.Queue = &patientQueue{tasks, f}
	c.Commits = &witness{f, c.Commits}
}

// Struck reports whether the fault has struck, and whether a stalled worker did, late, all that it had been about to do.
func (f *Fault) Struck() (hit, acted bool) { return closed(f.hit), closed(f.acted) }

// TakenAhead is how many tasks workers were given that had asked ahead; the channel is closed when one was.
func (f *Fault) TakenAhead() (int, <-chan struct{}) { return int(f.takenAhead.Load()), f.ahead }

func (f *Fault) takeAhead() {
	if f.takenAhead.Add(1) == 1 {
		close(f.ahead)
	}
}

// Winners returns, for each task, the attempts that were told that their commit stands.
func (f *Fault) Winners() map[mapreduce.TaskID][]mapreduce.Attempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.commits
}

// reach strikes if this is the place. What has struck does so to the worker as a whole: every call of it waits.
func (f *Fault) reach(ctx context.Context, task mapreduce.TaskID, point Point) error {
	f.strike(task, point)
	return f.frozen(ctx)
}

func (f *Fault) strike(task mapreduce.TaskID, point Point) {
	if task.Phase != f.Phase || point != f.Point {
		return
	}
	f.once.Do(func() {
		f.mu.Lock()
		f.victim = task
		f.mu.Unlock()
		close(f.hit)
	})
}

// lives notes the life of the victim.
func (f *Fault) lives(ctx context.Context) { f.life.CompareAndSwap(nil, ctx.Done()) }

// pulled notes the receipts of the victim's deliveries, by task.
func (f *Fault) pulled(d mapreduce.Delivery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.receipts[d.Receipt] = d.Task.ID
}

func (f *Fault) settled(receipt string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if closed(f.hit) && f.receipts[receipt] == f.victim && !closed(f.acted) {
		close(f.acted)
	}
}

// frozen waits as long as the worker is dead or stalled. Its clock stands still, too: what it has set itself as a limit does not end.
func (f *Fault) frozen(ctx context.Context) error {
	if !closed(f.hit) {
		return ctx.Err()
	}
	awake := f.awake
	if f.Dies {
		awake = nil
	}
	select {
	case <-awake:
		return nil
	case <-f.life.Load().(<-chan struct{}):
		return context.Canceled
	}
}

// won notes a winner.
func (f *Fault) won(task mapreduce.TaskID, mine mapreduce.Attempt) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commits[task] = append(f.commits[task], mine)
}

// seen wakes the stalled worker when another sees that its task is committed.
func (f *Fault) seen(task mapreduce.TaskID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if closed(f.hit) && task == f.victim && !closed(f.awake) {
		close(f.awake)
	}
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// queue is that of all workers: one that they ask ahead.
type queue interface {
	worker.Queue
	worker.Backlog
}

// patientQueue gives nothing out before the fault has struck.
type patientQueue struct {
	queue
	fault *Fault
}

func (q *patientQueue) Pull(ctx context.Context, classes ...mapreduce.Class) (mapreduce.Delivery, error) {
	select {
	case <-q.fault.hit:
		return q.queue.Pull(ctx, classes...)
	case <-ctx.Done():
		return mapreduce.Delivery{}, ctx.Err()
	}
}

func (q *patientQueue) Waiting(ctx context.Context, class mapreduce.Class) (delivery mapreduce.Delivery, found bool) {
	if !closed(q.fault.hit) {
		return delivery, false
	}
	if delivery, found = q.queue.Waiting(ctx, class); found {
		q.fault.takeAhead()
	}
	return delivery, found
}

// witness notes who won, and lets no job end before a stalled worker has come back and done its worst.
type witness struct {
	fault *Fault
	worker.Commits
}

func (w *witness) Decide(ctx context.Context, end mapreduce.End) (mapreduce.End, error) {
	if w.fault.Phase != mapreduce.Finish && !w.fault.Dies {
		select {
		case <-w.fault.acted:
		case <-ctx.Done():
			return mapreduce.End{}, ctx.Err()
		}
	}
	return w.Commits.Decide(ctx, end)
}

func (w *witness) Commit(ctx context.Context, commit mapreduce.Commit) (mapreduce.Commit, error) {
	standing, err := w.Commits.Commit(ctx, commit)
	if err == nil && standing.Attempt == commit.Attempt {
		w.fault.won(commit.Task, commit.Attempt)
	}
	if err == nil {
		w.fault.seen(commit.Task)
	}
	return standing, err
}

func (w *witness) Stands(ctx context.Context, task mapreduce.TaskID) (bool, error) {
	stands, err := w.Commits.Stands(ctx, task)
	if stands {
		w.fault.seen(task)
	}
	return stands, err
}
