package coordinator_test

import (
	"fmt"
	"testing"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// crowded is a scene in which a job of so many splits maps, with so many workers of one slot.
func crowded(t *testing.T, config coordinator.Config, workers, splits int) *scene {
	s := newScene(t, config)
	s.play(mapreduce.Replayed{})
	for i := range workers {
		s.play(beat(mapreduce.WorkerID(fmt.Sprintf("w%d", i))))
	}
	s.play(submitted(1, count()), planned(splits))
	return s
}

// enqueued is how many tasks an event has the leader queue.
func (s *scene) enqueued(event mapreduce.Event) (n int) {
	s.t.Helper()
	for _, command := range s.state.Step(s.now, event) {
		if c, is := command.(coordinator.Enqueue); is {
			n += len(c.Tasks)
		}
	}
	return n
}

func TestWindowIsFilledInParts(t *testing.T) {
	s := crowded(t, coordinator.Config{MinWindow: 64}, 1, 500) // a part is a sixteenth: 4
	for n := range 8 {
		want := 0
		if n%4 == 3 {
			want = 4
		}
		if got := s.enqueued(committed(mapreduce.Map, n)); got != want {
			t.Errorf("commit %d queues %d tasks, want %d", n, got, want)
		}
	}
}

func TestWindowHasNoRoomForLong(t *testing.T) {
	s := crowded(t, coordinator.Config{MinWindow: 64}, 1, 500)
	s.play(committed(mapreduce.Map, 0), committed(mapreduce.Map, 1))
	s.wait(250 * time.Millisecond)
	if got := s.enqueued(mapreduce.Tick{}); got != 2 {
		t.Errorf("the next tick queues %d tasks, want 2", got)
	}
}

func TestStepQueuesNoMoreThanAPortion(t *testing.T) {
	s := newScene(t, coordinator.Config{MinWindow: 64, Portion: 25})
	s.play(mapreduce.Replayed{}, beat("w"), submitted(1, count()))
	for i, want := range []int{25, 25, 14, 0} {
		var event mapreduce.Event = mapreduce.Tick{}
		if i == 0 {
			event = planned(500)
		}
		if got := s.enqueued(event); got != want {
			t.Errorf("step %d queues %d tasks, want %d", i, got, want)
		}
	}
}

func TestCancelledJobIsWithdrawnInPortions(t *testing.T) {
	s := crowded(t, coordinator.Config{MinWindow: 6, Portion: 4}, 1, 500)
	s.play(mapreduce.Tick{}) // the rest of the window
	end := mapreduce.End{Version: 1, UID: "u1", State: mapreduce.Cancelled}
	for i, event := range []mapreduce.Event{end, mapreduce.Tick{}, mapreduce.Tick{}} {
		var withdrawn []uint64
		for _, command := range s.state.Step(s.now, event) {
			if c, is := command.(coordinator.Withdraw); is {
				withdrawn = append(withdrawn, c.Seqs...)
			}
		}
		want := [][]uint64{{2, 3, 4, 5}, {6, 7}, nil}[i] // the first is the plan's
		if fmt.Sprint(withdrawn) != fmt.Sprint(want) {
			t.Errorf("step %d withdraws %v, want %v", i, withdrawn, want)
		}
	}
}

// What a commit costs must not grow with the workers that are there, or with the tasks that are in the queue.
func TestCommitCostsTheSameWithManyWorkers(t *testing.T) {
	cost := func(workers int) float64 {
		s := crowded(t, coordinator.Config{MinWindow: 6000}, workers, 10_000) // a part is 375 commits
		for range 6 {
			s.play(mapreduce.Tick{}) // the rest of the window
		}
		n := 0
		return testing.AllocsPerRun(100, func() {
			s.state.Step(s.now, committed(mapreduce.Map, n))
			n++
		})
	}
	if few, many := cost(1), cost(2000); many > few {
		t.Errorf("a commit makes %.1f allocations with one worker, %.1f with 2000", few, many)
	}
}

// The window is three tasks a slot: of the workers that are there, each counted once.
func TestWindowFollowsTheWorkers(t *testing.T) {
	s := newScene(t, coordinator.Config{MinWindow: 1})
	s.play(mapreduce.Replayed{}, submitted(1, count()))
	for range 3 {
		s.play(beat("w1"), beat("w2"), beat("w3"))
	}
	s.play(mapreduce.Beat{Version: 1, Worker: "w2", Bye: true}, mapreduce.Beat{Version: 1, Worker: "w2", Bye: true})
	if got := s.enqueued(planned(500)); got != 6 {
		t.Errorf("two workers of one slot: %d tasks queued, want 6", got)
	}
}
