package bus_test

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// both is what a slot takes that runs programs and commands.
var both = []mapreduce.Class{bustest.Class, mapreduce.Exec}

// command is a task of the class exec.
func command(n int) mapreduce.Task {
	t := task(n)
	t.Class = mapreduce.Exec
	return t
}

// twoClasses is a bus with tasks of two classes.
func twoClasses(t *testing.T, ctx context.Context) *bustest.Server {
	t.Helper()
	s := bustest.Start(t, patience)
	if err := s.Bus().SetUp(ctx, bus.SetUp{Classes: both, AckWait: patience}); err != nil {
		t.Fatal(err)
	}
	return s
}

func consumerOf(t *testing.T, ctx context.Context, s *bustest.Server, class mapreduce.Class) jetstream.Consumer {
	t.Helper()
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(ctx, "JETREDUCE_TASKS", "default-"+string(class))
	if err != nil {
		t.Fatal(err)
	}
	return consumer
}

func pullBoth(t *testing.T, ctx context.Context, q *bus.Queue) mapreduce.Delivery {
	t.Helper()
	d, err := q.Pull(ctx, both...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSlotOfTwoClassesTakesTasksOfEither(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := twoClasses(t, ctx)
	q := queue(t, s.Bus())
	for n := range 6 {
		next := task(n)
		if n%3 > 0 {
			next = command(n)
		}
		publishTasks(t, ctx, q, next)
		// The request for the other class, of the pull before, may be answered before the next pull waits: then the task comes twice.
		if d := pullBoth(t, ctx, q); d.Task.ID != mapTask(n) || d.Task.Class != next.Class || d.Count > 2 {
			t.Errorf("task %d came as %s of class %s, delivered %d times", n, d.Task.ID, d.Task.Class, d.Count)
		}
	}
}

// What the server will not have must not end the leadership of whoever opens the queue of a class.
func TestClassThatTheServerRefusesIsAPermanentError(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := twoClasses(t, ctx)
	js, err := jetstream.New(s.Conn())
	if err == nil { // of a work queue a subject has one consumer
		_, err = js.CreateConsumer(ctx, "JETREDUCE_TASKS", jetstream.ConsumerConfig{
			Durable: "mine", FilterSubject: "jetreduce.tasks.default.go-1", AckPolicy: jetstream.AckExplicitPolicy,
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := queue(t, s.Bus()).Open(ctx, mapreduce.DefaultPool, "go-1"); !mapreduce.IsPermanent(err) {
		t.Errorf("error %v", err)
	}
}

// However many tasks of one class it takes, one request for the other stands.
func TestShortTasksOfOneClassLeaveNoRequestsForTheOther(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := twoClasses(t, ctx)
	q, other := queue(t, s.Bus()), consumerOf(t, ctx, s, mapreduce.Exec)
	for n := range 50 {
		publishTasks(t, ctx, q, task(n))
		settle(t, ctx, q, pullBoth(t, ctx, q))
	}
	info, err := other.Info(ctx)
	if err != nil || info.NumWaiting > 1 {
		t.Errorf("%d requests stand, %v", info.NumWaiting, err)
	}
}

// A request that stands is nobody's: the task that comes when no slot is free goes back at once, to whoever has one.
func TestTaskThatComesWhenNoSlotIsFreeIsHandedBack(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := twoClasses(t, ctx)
	busy, idle := queue(t, s.Bus()), queue(t, s.Bus())
	publishTasks(t, ctx, idle, task(0))
	pullBoth(t, ctx, busy)
	awaitQueue(t, ctx, consumerOf(t, ctx, s, mapreduce.Exec), 0, 1)
	publishTasks(t, ctx, idle, command(1))
	d, err := idle.Pull(ctx, mapreduce.Exec)
	if err != nil || d.Task.ID != mapTask(1) || d.Count != 2 {
		t.Errorf("%s, delivered %d times, %v", d.Task.ID, d.Count, err)
	}
}

// A slot that gives up waiting takes no task with it.
func TestSlotThatLeavesTheLineLeavesItsTasks(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := twoClasses(t, ctx)
	q, other := queue(t, s.Bus()), queue(t, s.Bus())
	for n := range 30 {
		leaving, leave := context.WithCancel(ctx)
		taken := make(chan error)
		go func() {
			d, err := q.Pull(leaving, both...)
			if err == nil {
				err = q.Settle(ctx, d.Receipt, mapreduce.HandBack)
			}
			taken <- err
		}()
		go leave()
		publishTasks(t, ctx, other, command(n))
		<-taken
		d, err := other.Pull(ctx, mapreduce.Exec)
		if err != nil || d.Task.ID != mapTask(n) {
			t.Fatalf("task %d: %s, %v", n, d.Task.ID, err)
		}
		settle(t, ctx, other, d)
	}
}

// Several slots that take both classes share their requests, and each gets a task.
func TestSlotsInLineAreAllServed(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := twoClasses(t, ctx)
	q := queue(t, s.Bus())
	const slots, tasks = 4, 100
	got := make(chan mapreduce.TaskID)
	for range slots {
		go func() {
			for range tasks / slots {
				d, err := q.Pull(ctx, both...)
				if err != nil {
					t.Error(err)
				}
				if err := q.Settle(ctx, d.Receipt, mapreduce.Complete); err != nil {
					t.Error(err)
				}
				got <- d.Task.ID
			}
		}()
	}
	seen := map[mapreduce.TaskID]int{}
	for n := range tasks {
		next := task(n)
		if n%2 > 0 {
			next = command(n)
		}
		publishTasks(t, ctx, q, next)
		seen[<-got]++
	}
	if len(seen) != tasks {
		t.Errorf("%d of %d tasks came", len(seen), tasks)
	}
}
