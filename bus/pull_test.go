package bus_test

import (
	"testing"

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
	if got := pull(t, ctx, idle); got.Task.ID != mapTask(0) || got.Count != 1 {
		t.Errorf("the first was %s, delivered %d times", got.Task.ID, got.Count)
	}
	d, found := busy.Waiting(ctx, bustest.Class)
	if !found || d.Task.ID != mapTask(1) || d.Patience != patience || d.Count != 1 {
		t.Fatalf("of what waits came %+v: %t", d, found)
	}
	if err := busy.Settle(ctx, d.Receipt, mapreduce.HandBack); err != nil {
		t.Fatal(err)
	}
	if got := pull(t, ctx, idle); got.Task.ID != mapTask(1) || got.Count != 2 {
		t.Errorf("handed back and then taken: %s, delivered %d times", got.Task.ID, got.Count)
	}
}

// A worker that has a free slot comes first, whoever has asked first.
func TestPullThatWaitsComesBeforeOneAhead(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	busy, idle := queue(t, s.Bus()), queue(t, s.Bus())
	for n := range 20 {
		ahead := make(chan bool)
		go func() {
			_, found := busy.Waiting(ctx, bustest.Class)
			ahead <- found
		}()
		if <-ahead {
			t.Fatal("there was no task, and one came")
		}
		got := make(chan mapreduce.Delivery)
		go func() { got <- pull(t, ctx, idle) }()
		publishTasks(t, ctx, idle, task(n))
		if d := <-got; d.Task.ID != mapTask(n) || d.Count != 1 {
			t.Errorf("got %s, delivered %d times", d.Task.ID, d.Count)
		}
	}
}
