package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// pullTakes is the way to the queue and back.
const pullTakes = 5 * time.Millisecond

// stocked is a queue some way off, in which tasks wait.
type stocked struct {
	*surroundings
	asked   chan time.Time // when a slot asked for what waits
	silent  bool           // it is not answered
	dry     []bool         // whether the next one who asks is told that none waits
	settled chan settled   // what is not complete
}

type settled struct {
	receipt string
	how     mapreduce.Settlement
	at      time.Time
}

func (q *stocked) Pull(ctx context.Context, classes ...mapreduce.Class) (mapreduce.Delivery, error) {
	if classes[0] == mapreduce.IO {
		<-ctx.Done()
		return mapreduce.Delivery{}, ctx.Err()
	}
	pass(ctx, pullTakes)
	return q.surroundings.Pull(ctx, classes...)
}

func (q *stocked) Waiting(ctx context.Context, _ mapreduce.Class) (delivery mapreduce.Delivery, found bool) {
	q.asked <- time.Now()
	if q.silent {
		<-ctx.Done()
		return delivery, false
	}
	pass(ctx, pullTakes)
	dry := len(q.dry) > 0 && q.dry[0]
	q.dry = q.dry[min(1, len(q.dry)):]
	if dry {
		return delivery, false
	}
	select {
	case delivery = <-q.deliveries:
		return delivery, true
	default:
		return delivery, false
	}
}

func (q *stocked) Settle(ctx context.Context, receipt string, how mapreduce.Settlement) error {
	if how != mapreduce.Complete {
		q.settled <- settled{receipt, how, time.Now()}
	}
	return q.surroundings.Settle(ctx, receipt, how)
}

// pass waits until time has passed, which in a bubble is at once.
func pass(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// busy is a worker of one slot whose tasks take as long as they say, and whose queue holds more of them.
type busy struct {
	*stocked
	w     *Worker
	begun chan time.Time // when each task began
	stop  func()         // tells the worker to stop
	ended chan error     // when it has
}

// stocking makes a worker for tasks that take so long, and puts them into its queue. Change alters them before.
func stocking(t *testing.T, change func(tasks []mapreduce.Task), takes ...string) *busy {
	t.Helper()
	s := newSurroundings()
	b := &busy{
		stocked: &stocked{surroundings: s, asked: make(chan time.Time, 100), settled: make(chan settled, 100)},
		begun:   make(chan time.Time, 100), ended: make(chan error, 1),
	}
	tasks := planned(t, s, "lasts", takes...)
	if change != nil {
		change(tasks)
	}
	for n, task := range tasks {
		d := delivery(task)
		d.Receipt = fmt.Sprint("r", n)
		s.deliveries <- d
	}
	b.w = s.worker(t, program("lasts", func(ctx context.Context, batch mapreduce.Batch, _ mapreduce.Output) error {
		b.begun <- time.Now()
		d, err := time.ParseDuration(string(bytes.TrimSpace(batch.Data)))
		pass(ctx, d)
		return errors.Join(err, ctx.Err())
	}))
	b.w.Queue = b.stocked
	return b
}

// run starts the worker.
func (b *busy) run(t *testing.T) *busy {
	ctx, cancel := context.WithCancel(t.Context())
	b.stop = cancel
	go func() { b.ended <- b.w.Run(ctx) }()
	return b
}

// nth waits until so many tasks have begun, and returns when each did, from the first one.
func (b *busy) nth(n int) (times []time.Duration) {
	var first time.Time
	for range n {
		at := <-b.begun
		if first.IsZero() {
			first = at
		}
		times = append(times, at.Sub(first))
	}
	return times
}

func (b *busy) end(t *testing.T) {
	t.Helper()
	b.stop()
	if err := <-b.ended; err != nil {
		t.Error(err)
	}
}

// held waits until the slot holds a fifth task beside the fourth, which has just begun, and returns when that was.
func (b *busy) held(t *testing.T) (fourth time.Time) {
	t.Helper()
	b.nth(4)
	fourth = time.Now()
	<-b.asked
	pass(t.Context(), pullTakes+time.Millisecond)
	if running := b.w.running.list(); len(running) != 2 {
		t.Fatalf("registered are %+v", running)
	}
	return fourth
}

// expect is what becomes of a task next.
func (b *busy) expect(t *testing.T, receipt string, how mapreduce.Settlement, at time.Time) {
	t.Helper()
	if got := <-b.settled; got.receipt != receipt || got.how != how || !got.at.Equal(at) {
		t.Errorf("%s settled by %d, %s after %s by %d should have been", got.receipt, got.how, got.at.Sub(at), receipt, how)
	}
}

// stuck is commits on a bus that does not answer for a while.
type stuck struct {
	Commits
	takes time.Duration
}

func (s stuck) Commit(ctx context.Context, commit mapreduce.Commit) (mapreduce.Commit, error) {
	pass(ctx, s.takes)
	return s.Commits.Commit(ctx, commit)
}
