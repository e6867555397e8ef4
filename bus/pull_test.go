package bus_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// Who asks ahead takes what waits, and leaves no request behind that would take what another waits for.
func TestPullAheadTakesWhatWaitsAndNothingThatComesLater(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	busy, idle := queue(t, s.Bus()), queue(t, s.Bus())
	if d, found := busy.Waiting(ctx, bustest.Class); found {
		t.Fatalf("an empty queue gave %s", d.Task.ID)
	}
	publishTasks(t, ctx, idle, task(0), task(1))
	if got := pull(t, ctx, idle); got.Task.ID != mapTask(0) || got.Count != 1 || got.Repeated {
		t.Errorf("the first was %s, delivered %d times, repeated %t", got.Task.ID, got.Count, got.Repeated)
	}
	d, found := busy.Waiting(ctx, bustest.Class)
	if !found || d.Task.ID != mapTask(1) || d.Patience != patience || d.Count != 1 {
		t.Fatalf("of what waits came %+v: %t", d, found)
	}
	if err := busy.Settle(ctx, d.Receipt, mapreduce.HandBack); err != nil {
		t.Fatal(err)
	}
	if got := pull(t, ctx, idle); got.Task.ID != mapTask(1) || got.Count != 2 || !got.Repeated {
		t.Errorf("handed back and then taken: %s, delivered %d times, repeated %t", got.Task.ID, got.Count, got.Repeated)
	}
}

// A server that was killed may have forgotten that what it had before was given out, and count from one.
func TestTaskThatIsOlderThanTheConnectionMayHaveBeenHandedOut(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	publishTasks(t, ctx, queue(t, s.Bus()), task(0))
	if d := pull(t, ctx, queue(t, s.Bus())); d.Count != 1 || !d.Repeated {
		t.Errorf("delivered %d times, repeated %t", d.Count, d.Repeated)
	}
}

// A worker that has a free slot comes first: what is put into the queue while it asks is its own, and whoever asks ahead at that
// moment is told that there is nothing.
func TestPullThatStandsComesBeforeOneAhead(t *testing.T) {
	for _, pulls := range []int{1, 2} {
		t.Run(fmt.Sprint(pulls), func(t *testing.T) {
			t.Parallel()
			ctx, s := deadline(t), bustest.Start(t, patience)
			busy, idle, consumer := queue(t, s.Bus()), queue(t, s.Bus()), tasksConsumer(t, ctx, s)
			for n := range 20 {
				got := stand(t, ctx, idle, consumer, pulls)
				ahead := make(chan bool)
				go func() {
					_, found := busy.Waiting(ctx, bustest.Class)
					ahead <- found
				}()
				for i := range pulls { // the first while it is asked for
					publishTasks(t, ctx, idle, task(2*n+i))
					if i == 0 && <-ahead {
						t.Fatal("a task was given away that a Pull stood for")
					}
					if d := <-got; d.Task.ID != mapTask(2*n+i) || d.Count != 1 {
						t.Errorf("got %s, delivered %d times", d.Task.ID, d.Count)
					}
				}
			}
		})
	}
}

// With as many tasks as Pulls the request ahead is not refused, but stands behind them. The queue gives nothing while as many
// deliveries are open as may be, so that both can be seen to stand.
func TestOneAheadStandsBehindThePulls(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	busy, idle, consumer := queue(t, s.Bus()), queue(t, s.Bus()), tasksConsumer(t, ctx, s)
	first := fillUp(t, ctx, s, idle)
	got := stand(t, ctx, idle, consumer, 1)
	publishTasks(t, ctx, idle, task(1))
	awaitQueue(t, ctx, consumer, 1, 1)
	ahead := make(chan bool, 1)
	go func() {
		_, found := busy.Waiting(ctx, bustest.Class)
		ahead <- found
	}()
	awaitQueue(t, ctx, consumer, 1, 2)
	settle(t, ctx, idle, first)
	select {
	case d := <-got:
		settle(t, ctx, idle, d)
	case <-ahead:
		t.Fatal("what a Pull stood for was given to the one behind it, or to nobody")
	}
	if <-ahead {
		t.Error("there was one task, and two were given")
	}
}

// With fewer tasks than Pulls it is refused.
func TestOneAheadIsRefusedWhenPullsAreMoreThanTasks(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	idle, consumer := queue(t, s.Bus()), tasksConsumer(t, ctx, s)
	first := fillUp(t, ctx, s, idle)
	got := stand(t, ctx, idle, consumer, 2)
	publishTasks(t, ctx, idle, task(1))
	awaitQueue(t, ctx, consumer, 1, 2)
	subject := "$JS.API.CONSUMER.MSG.NEXT.JETREDUCE_TASKS." + consumer.CachedInfo().Name
	answer, err := s.Conn().RequestWithContext(ctx, subject, bus.WhatWaits)
	if err != nil || answer.Header.Get("Status") != "408" {
		t.Errorf("the answer is %+v, %v", answer, err)
	}
	settle(t, ctx, idle, first)
	settle(t, ctx, idle, <-got)
	publishTasks(t, ctx, idle, task(2))
	<-got
}

func tasksConsumer(t *testing.T, ctx context.Context, s *bustest.Server) jetstream.Consumer {
	t.Helper()
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(ctx, "JETREDUCE_TASKS", "default-"+string(bustest.Class))
	if err != nil {
		t.Fatal(err)
	}
	return consumer
}

// fillUp takes a task, after which the queue gives no other until that is settled.
func fillUp(t *testing.T, ctx context.Context, s *bustest.Server, q *bus.Queue) mapreduce.Delivery {
	t.Helper()
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	config := tasksConsumer(t, ctx, s).CachedInfo().Config
	config.MaxAckPending = 1
	if _, err := js.UpdateConsumer(ctx, "JETREDUCE_TASKS", config); err != nil {
		t.Fatal(err)
	}
	publishTasks(t, ctx, q, task(0))
	return pull(t, ctx, q)
}

// stand begins so many Pulls, and returns when they stand at the server.
func stand(t *testing.T, ctx context.Context, q *bus.Queue, consumer jetstream.Consumer, pulls int) <-chan mapreduce.Delivery {
	t.Helper()
	got := make(chan mapreduce.Delivery, pulls)
	for range pulls {
		go func() {
			d, err := q.Pull(ctx, bustest.Class)
			if err != nil {
				t.Error(err)
			}
			got <- d
		}()
	}
	awaitQueue(t, ctx, consumer, 0, pulls)
	return got
}

// awaitQueue waits until so many tasks wait and so many requests stand, as the server sees it: a task is stored before it is seen.
func awaitQueue(t *testing.T, ctx context.Context, consumer jetstream.Consumer, tasks, requests int) {
	t.Helper()
	for {
		info, err := consumer.Info(ctx)
		if err != nil {
			t.Fatalf("waiting for %d tasks and %d requests: %v", tasks, requests, err)
		}
		if info.NumPending == uint64(tasks) && info.NumWaiting == requests {
			return
		}
	}
}

func settle(t *testing.T, ctx context.Context, q *bus.Queue, d mapreduce.Delivery) {
	t.Helper()
	if err := q.Settle(ctx, d.Receipt, mapreduce.Complete); err != nil {
		t.Fatal(err)
	}
}
