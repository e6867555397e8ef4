package clustertest

import (
	"context"
	"sync"
	"time"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/shuffle"
	"jetreduce/worker"
)

// Point is a moment in the life of an attempt.
type Point string

// The points at which an attempt can be hit.
const (
	Pulled    Point = "pulled"    // it has its task, and has done nothing
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
	acted chan struct{} // closed when the stalled worker has settled, late, the delivery that it was struck with

	mu       sync.Mutex
	victim   mapreduce.TaskID
	receipts map[string]mapreduce.TaskID              // of the victim's deliveries
	commits  map[mapreduce.TaskID][]mapreduce.Attempt // attempts that were told that they won
}

// NewFault makes a fault.
func NewFault(phase mapreduce.Phase, point Point, dies bool) *Fault {
	return &Fault{
		Phase: phase, Point: point, Dies: dies,
		hit: make(chan struct{}), awake: make(chan struct{}), acted: make(chan struct{}),
		receipts: map[string]mapreduce.TaskID{}, commits: map[mapreduce.TaskID][]mapreduce.Attempt{},
	}
}

// Refit gives worker 0 to the fault. The others begin to work only when it has struck, so that it always does.
func (f *Fault) Refit(number int, c *worker.Config) {
	c.BeatEvery = 50 * time.Millisecond
	if number == 0 {
		c.Queue, c.Pulse = &victimQueue{f, c.Queue}, &victimPulse{f, c.Pulse}
		c.Runs, c.Plans = &victimRuns{f, c.Runs}, &victimPlans{f, c.Plans}
		c.Commits = &victimCommits{f, &witness{f, c.Commits}}
		return
	}
	c.Queue = &patientQueue{c.Queue, f.hit}
	c.Commits = &witness{f, c.Commits}
}

// Struck reports whether the fault has struck, and whether a stalled worker did, late, all that it had been about to do.
func (f *Fault) Struck() (hit, acted bool) { return closed(f.hit), closed(f.acted) }

// Winners returns, for each task, the attempts that were told that their commit stands.
func (f *Fault) Winners() map[mapreduce.TaskID][]mapreduce.Attempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.commits
}

// reach strikes if this is the place. What has struck does so to the worker as a whole: every call of it waits.
func (f *Fault) reach(ctx context.Context, task mapreduce.TaskID, point Point) error {
	if task.Phase == f.Phase && point == f.Point {
		f.once.Do(func() {
			f.mu.Lock()
			f.victim = task
			f.mu.Unlock()
			close(f.hit)
		})
	}
	return f.frozen(ctx)
}

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

// frozen waits as long as the worker is dead or stalled.
func (f *Fault) frozen(ctx context.Context) error {
	if !closed(f.hit) {
		return ctx.Err()
	}
	if f.Dies {
		<-ctx.Done()
		return ctx.Err()
	}
	select {
	case <-f.awake:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// won notes a winner, and wakes the stalled worker when its task has been committed by another, or was before.
func (f *Fault) won(task mapreduce.TaskID, by, mine mapreduce.Attempt) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if by == mine {
		f.commits[task] = append(f.commits[task], mine)
	}
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

// patientQueue gives nothing out before the fault has struck.
type patientQueue struct {
	worker.Queue
	hit chan struct{}
}

func (q *patientQueue) Pull(ctx context.Context, class mapreduce.Class) (mapreduce.Delivery, error) {
	select {
	case <-q.hit:
		return q.Queue.Pull(ctx, class)
	case <-ctx.Done():
		return mapreduce.Delivery{}, ctx.Err()
	}
}

type victimQueue struct {
	fault *Fault
	worker.Queue
}

func (q *victimQueue) Pull(ctx context.Context, class mapreduce.Class) (mapreduce.Delivery, error) {
	delivery, err := q.Queue.Pull(ctx, class)
	if err != nil {
		return delivery, err
	}
	q.fault.pulled(delivery)
	return delivery, q.fault.reach(ctx, delivery.Task.ID, Pulled)
}

func (q *victimQueue) Extend(ctx context.Context, receipt string) error {
	if err := q.fault.frozen(ctx); err != nil {
		return err
	}
	return q.Queue.Extend(ctx, receipt)
}

func (q *victimQueue) Settle(ctx context.Context, receipt string, how mapreduce.Settlement) error {
	if err := q.fault.frozen(ctx); err != nil {
		return err
	}
	defer q.fault.settled(receipt)
	return q.Queue.Settle(ctx, receipt, how)
}

type victimRuns struct {
	fault *Fault
	worker.Runs
}

func (r *victimRuns) Publisher(ctx context.Context) (func(mapreduce.Lane, []byte) error, func() error) {
	push, flush := r.Runs.Publisher(ctx)
	return func(lane mapreduce.Lane, chunk []byte) error {
		if err := push(lane, chunk); err != nil {
			return err
		}
		return r.fault.reach(ctx, writer(lane, chunk), Published)
	}, flush
}

// writer is the task that sent a chunk on a lane.
func writer(lane mapreduce.Lane, chunk []byte) mapreduce.TaskID {
	id := mapreduce.TaskID{UID: lane.UID, Phase: mapreduce.Map, Generation: lane.Generation}
	if lane.Reader == mapreduce.Finish {
		id.Phase = mapreduce.Reduce
	}
	if parsed, err := shuffle.ParseChunk(chunk); err == nil {
		id.N = parsed.Task
	}
	return id
}

type victimPlans struct {
	fault *Fault
	worker.Plans
}

func (p *victimPlans) Store(ctx context.Context, ref mapreduce.PlanRef, chunk mapreduce.PlanChunk) error {
	if err := p.Plans.Store(ctx, ref, chunk); err != nil {
		return err
	}
	return p.fault.reach(ctx, ref.Plan, Published)
}

type victimPulse struct {
	fault *Fault
	worker.Pulse
}

func (p *victimPulse) Beat(beat mapreduce.Beat) error {
	if closed(p.fault.hit) && !closed(p.fault.awake) {
		return nil
	}
	return p.Pulse.Beat(beat)
}

type victimCommits struct {
	fault *Fault
	worker.Commits
}

func (c *victimCommits) Commit(ctx context.Context, commit mapreduce.Commit) (mapreduce.Commit, error) {
	if err := c.fault.frozen(ctx); err != nil {
		return mapreduce.Commit{}, err
	}
	standing, err := c.Commits.Commit(ctx, commit)
	if err != nil {
		return standing, err
	}
	return standing, c.fault.reach(ctx, commit.Task, Committed)
}

func (c *victimCommits) Decide(ctx context.Context, end mapreduce.End) (mapreduce.End, error) {
	if err := c.fault.frozen(ctx); err != nil {
		return mapreduce.End{}, err
	}
	standing, err := c.Commits.Decide(ctx, end)
	if err != nil {
		return standing, err
	}
	finish := mapreduce.TaskID{UID: end.UID, Phase: mapreduce.Finish, Generation: 1}
	return standing, c.fault.reach(ctx, finish, Published)
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
	if err == nil {
		w.fault.won(commit.Task, standing.Attempt, commit.Attempt)
	}
	return standing, err
}
