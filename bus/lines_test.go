package bus_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// gpu is a task of another pool than the default one, whose name is as hard to tell from a class as can be.
const gpu mapreduce.Pool = "gpu-builtin"

func pooled(n int) mapreduce.Task {
	t := task(n)
	t.Pool = gpu
	return t
}

func poolQueue(t *testing.T, b *bus.Bus) *bus.Queue {
	t.Helper()
	q := b.QueueOf(gpu, bustest.Quiet())
	t.Cleanup(q.Close)
	return q
}

// What a worker pulls in the background.
func pulling(ctx context.Context, q *bus.Queue, classes ...mapreduce.Class) <-chan mapreduce.Delivery {
	pulled := make(chan mapreduce.Delivery, 1)
	go func() {
		if d, err := q.Pull(ctx, classes...); err == nil {
			pulled <- d
		}
		close(pulled)
	}()
	return pulled
}

func TestWorkerOfANewPoolWaitsForItsQueueAndGetsOnlyItsTasks(t *testing.T) {
	t.Parallel()
	for name, classes := range map[string][]mapreduce.Class{"one class": {bustest.Class}, "two classes": {bustest.Class, mapreduce.Exec}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, s := deadline(t), bustest.Start(t, patience)
			mine, theirs := poolQueue(t, s.Bus()), queue(t, s.Bus())
			pulled := pulling(ctx, mine, classes...)
			publishTasks(t, ctx, theirs, task(0), pooled(1))
			for _, class := range classes {
				if err := theirs.Open(ctx, gpu, class); err != nil {
					t.Fatal(err)
				}
			}
			if d := <-pulled; d.Task.ID != mapTask(1) {
				t.Errorf("the worker of the pool gets %s", d.Task.ID)
			}
			if d := pull(t, ctx, theirs); d.Task.ID != mapTask(0) {
				t.Errorf("the other worker gets %s", d.Task.ID)
			}
		})
	}
}

func TestPoolsAndClassesWithHyphensAreNotMistakenForOthers(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	q := queue(t, s.Bus())
	lines := map[mapreduce.Pool]mapreduce.Class{"a": "b-c", "a-b": "c", gpu: bustest.Class}
	for pool, class := range lines {
		if err := q.Open(ctx, pool, class); err != nil {
			t.Fatal(err)
		}
	}
	epoch, err := takeEpoch(ctx, s.Bus(), "me")
	if err != nil {
		t.Fatal(err)
	}
	feed := s.Bus().OpenFeed(bustest.Quiet())
	defer feed.Close()
	if err := feed.Lead(ctx, epoch); err != nil {
		t.Fatal(err)
	}
	for len(lines) > 0 {
		event, err := feed.Next(ctx)
		if err != nil {
			t.Fatalf("%v: nobody has seen %v", err, lines)
		}
		if seen, is := event.(mapreduce.QueueSeen); is && lines[seen.Pool] == seen.Class {
			delete(lines, seen.Pool)
		}
	}
}

// A leader that was deposed, or an operator, may drop what others need.
func TestWorkerGoesOnWhenItsQueueWasDroppedAndIsMadeAgain(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	mine, leader := poolQueue(t, s.Bus()), queue(t, s.Bus())
	if err := leader.Open(ctx, gpu, bustest.Class); err != nil {
		t.Fatal(err)
	}
	publishTasks(t, ctx, leader, pooled(0))
	if d := pull(t, ctx, mine); d.Task.ID != mapTask(0) {
		t.Fatal(d)
	}
	pulled := pulling(ctx, mine, bustest.Class)
	publishTasks(t, ctx, leader, task(9)) // of another queue
	for range 2 {                         // one that is not there is dropped
		if err := leader.Shut(ctx, gpu, bustest.Class); err != nil {
			t.Fatal(err)
		}
	}
	if err := leader.Open(ctx, gpu, bustest.Class); err != nil {
		t.Fatal(err)
	}
	publishTasks(t, ctx, leader, pooled(1))
	if d := <-pulled; d.Task.ID != mapTask(1) { // task 0 went with the queue, as whoever drops it knows
		t.Errorf("it gets %s", d.Task.ID)
	}
	if d := pull(t, ctx, leader); d.Task.ID != mapTask(9) {
		t.Errorf("the other queue has %s", d.Task.ID)
	}
}

// While nobody pulls, tasks wait: a queue has no end of its own.
func TestTasksOfAPoolWaitForItsWorkers(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	leader := queue(t, s.Bus())
	publishTasks(t, ctx, leader, pooled(0)) // before there is anything to pull from
	if err := leader.Open(ctx, gpu, bustest.Class); err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(ctx, "JETREDUCE_TASKS", string(gpu)+"="+string(bustest.Class))
	if err != nil {
		t.Fatal(err)
	}
	if c := consumer.CachedInfo().Config; c.InactiveThreshold != 0 || c.MaxDeliver != -1 {
		t.Errorf("it ends after %s, or %d deliveries", c.InactiveThreshold, c.MaxDeliver)
	}
	mine := poolQueue(t, s.Bus())
	d := pull(t, ctx, mine)
	now, err := mine.Clock(ctx)
	if age := now.Sub(d.Queued); err != nil || d.Task.ID != mapTask(0) || d.Queued.IsZero() || age < 0 || age > time.Minute {
		t.Errorf("got %s, queued at %s; now it is %s, %v", d.Task.ID, d.Queued, now, err)
	}
}

// A removed job is erased: nothing of its uid is left, and nothing of another's is missing.
func TestErasedJobLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	epoch, err := takeEpoch(ctx, b, "me")
	if err != nil {
		t.Fatal(err)
	}
	journal := b.Journal(epoch)
	for _, uid := range []mapreduce.UID{"u1", "u10"} {
		record := mapreduce.Record{Version: 1, UID: uid, Job: "j", State: mapreduce.Removed, Swept: true}
		commit := mapreduce.Commit{Version: 1, Task: mapreduce.TaskID{UID: uid, Phase: mapreduce.Map, Generation: 1},
			Attempt: mapreduce.Attempt{Worker: "w"}}
		_, failed := b.Commits().Commit(ctx, commit)
		for _, err := range []error{failed, journal.Write(ctx, record),
			journal.End(ctx, mapreduce.End{Version: 1, UID: uid, State: mapreduce.Failed})} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 { // twice is once
		if err := journal.Erase(ctx, "u1"); err != nil {
			t.Fatal(err)
		}
	}
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	for stream, subjects := range map[string][2]string{
		"KV_jetreduce-state":   {"$KV.jetreduce-state.job.u1.>", "$KV.jetreduce-state.job.u10.>"},
		"KV_jetreduce-commits": {"$KV.jetreduce-commits.u1.>", "$KV.jetreduce-commits.u10.>"},
	} {
		st, err := js.Stream(ctx, stream)
		if err != nil {
			t.Fatal(err)
		}
		for i, subject := range subjects {
			info, err := st.Info(ctx, jetstream.WithSubjectFilter(subject))
			if err != nil {
				t.Fatal(err)
			}
			if there := len(info.State.Subjects) > 0; there != (i == 1) {
				t.Errorf("%s: %v", subject, info.State.Subjects)
			}
		}
	}
}
