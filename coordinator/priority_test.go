package coordinator_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// ranked hands in a job of a priority as submission n, planned into so many maps, and returns the maps that were queued.
func (s *scene) ranked(n uint64, priority, splits int) []string {
	job := count()
	job.ID, job.Priority = mapreduce.JobID(fmt.Sprintf("job-%d", n)), priority
	queued := s.queues(submitted(n, job))
	plan := planned(splits)
	plan.Task.UID = mapreduce.UID(fmt.Sprintf("u%d", n))
	return append(queued, s.queues(plan)...)
}

// queues hands in an event and returns the maps that are queued about it.
func (s *scene) queues(event mapreduce.Event) (queued []string) {
	for _, command := range s.state.Step(s.now, event) {
		if enqueue, is := command.(coordinator.Enqueue); is {
			for _, task := range enqueue.Tasks {
				if task.ID.Phase == mapreduce.Map {
					queued = append(queued, fmt.Sprintf("%s %d", task.ID.UID, task.ID.N))
				}
			}
		}
	}
	return queued
}

// done hands in the commit of a map, after a while.
func (s *scene) done(uid mapreduce.UID, n int) []string {
	s.wait(time.Second)
	commit := committed(mapreduce.Map, n)
	commit.Task.UID = uid
	return s.queues(commit)
}

func TestTasksOfAHigherPriorityAreQueuedFirst(t *testing.T) {
	s := leading(t, coordinator.Config{MinWindow: 2})
	s.play(beat("w"))
	if got := s.ranked(1, 0, 9); !slices.Equal(got, []string{"u1 0", "u1 1", "u1 2"}) { // three a slot
		t.Fatal(got)
	}
	if got := s.ranked(2, 5, 5); !slices.Equal(got, []string{"u2 0", "u2 1", "u2 2"}) {
		t.Fatalf("the urgent job waits for more than the window of the other: %v", got)
	}
	if got := s.done("u1", 0); got != nil {
		t.Errorf("%v goes before what is urgent", got)
	}
	if got := s.done("u2", 0); !slices.Equal(got, []string{"u2 3"}) {
		t.Error(got)
	}
	if got := s.done("u1", 1); got != nil {
		t.Errorf("%v goes before what is urgent", got)
	}
	if got := s.done("u2", 1); !slices.Equal(got, []string{"u2 4"}) {
		t.Error(got)
	}
	if got := s.done("u1", 2); !slices.Equal(got, []string{"u1 3", "u1 4", "u1 5"}) {
		t.Errorf("nothing urgent is left to be queued, and the other gets %v", got)
	}
}

func TestWhatIsNotUrgentGoesOnWhenNothingUrgentCan(t *testing.T) {
	s := leading(t, coordinator.Config{MinWindow: 2})
	s.play(beat("w"))
	s.ranked(1, -3, 9)
	other := count()
	other.ID, other.Pool, other.Priority = "elsewhere", "gpu", 10
	s.play(submitted(2, other)) // nobody is there to do it
	shell := executables()
	shell.ID, shell.Priority = "shell", 10
	s.play(submitted(3, shell)) // nor that
	if got := s.done("u1", 0); len(got) != 1 {
		t.Errorf("it gets %v", got)
	}
}

func TestJobsOfOnePriorityShare(t *testing.T) {
	s := leading(t, coordinator.Config{MinWindow: 2})
	s.play(beat("w"))
	s.ranked(1, 3, 9)
	s.ranked(2, 3, 9)
	for n := range 4 {
		if got := append(s.done("u1", n), s.done("u2", n)...); len(got) != 2 {
			t.Errorf("round %d: %v", n, got)
		}
	}
}

func TestSubmittedAgainWithAnotherPriorityIsTheSameJob(t *testing.T) {
	s := leading(t, coordinator.Config{})
	again := count()
	s.play(submitted(1, count()))
	again.Priority = 10
	s.on(submitted(2, again), `
		tell u1 planning
		accept 2`)
	if got := s.status(t).Priority; got != 0 {
		t.Errorf("its priority is %d now", got)
	}
	again.Pool = "gpu"
	s.on(submitted(3, again), `
		record failed job count exists with another description: use another id
		tell u3 failed
		reject 3: job count exists with another description: use another id
		accept 3`)
}

func TestNewLeaderKnowsPriorities(t *testing.T) {
	s := newScene(t, coordinator.Config{MinWindow: 2})
	urgent := count()
	urgent.Priority = 1
	s.play(mapreduce.Restored{Record: mapreduce.Record{
		Version: 1, UID: "u1", Job: "count", State: mapreduce.Queued, Seq: 1, Spec: &urgent, At: s.now,
	}}, mapreduce.Replayed{}, beat("w"), planned(9))
	if got := s.ranked(2, 0, 9); got != nil {
		t.Errorf("%v goes before what is urgent", got)
	}
}

// Its tasks may take minutes each, and a window of them hours.
func TestTasksInTheQueueStepBackForAHigherPriority(t *testing.T) {
	s := leading(t, coordinator.Config{MinWindow: 4})
	s.play(beat("w"))
	low, high := count(), count()
	low.ID, high.ID, high.Priority = "low", "high", 5
	s.play(submitted(1, low), planned(9)) // maps 0-3 are messages 2-5; the plan was 1
	plan := planned(2)
	plan.Task.UID = "u2"
	s.play(submitted(2, high), plan, beat("w", task(mapreduce.Map, 0), task(mapreduce.Map, 1))) // maps are messages 7 and 8
	seen := mapreduce.QueueSeen{Class: "builtin", Settled: 1, Delivered: 3}
	s.on(seen, `withdraw [4 5]`) // what was handed out stays
	s.on(mapreduce.Tick{}, `
		tell u1 mapping
		tell u2 mapping`)
	s.play(beat("w", task(mapreduce.Map, 0), task(mapreduce.Map, 1), task(mapreduce.Map, 2))) // it was handed out just before
	s.wait(time.Second)
	s.on(mapreduce.Tick{}, `
		enqueue map.3
		tell u1 mapping
		tell u2 mapping`)
	s.on(seen, ``)
	seen.Delivered = 8
	s.on(seen, ``)
}

// A heartbeat may know more than the last look.
func TestTaskThatSomebodyHoldsDoesNotStepBack(t *testing.T) {
	s := leading(t, coordinator.Config{MinWindow: 4})
	s.play(beat("w"))
	low, high := count(), count()
	low.ID, high.ID, high.Priority = "low", "high", 5
	s.play(submitted(1, low), planned(3), beat("w", task(mapreduce.Map, 0)))
	plan := planned(2)
	plan.Task.UID = "u2"
	s.play(submitted(2, high), plan)
	s.on(mapreduce.QueueSeen{Class: "builtin"}, `withdraw [3 4]`)
}

// To take them out would cost more than it gives.
func TestShortTasksDoNotStepBack(t *testing.T) {
	s := leading(t, coordinator.Config{MinWindow: 4})
	s.play(beat("w"))
	low, high := count(), count()
	low.ID, high.ID, high.Priority = "low", "high", 5
	quick := committed(mapreduce.Map, 0)
	quick.Took = 10 * time.Millisecond
	s.play(submitted(1, low), planned(9), quick)
	plan := planned(2)
	plan.Task.UID = "u2"
	s.play(submitted(2, high), plan)
	s.on(mapreduce.QueueSeen{Class: "builtin"}, ``)
	slow := committed(mapreduce.Map, 1)
	slow.Took = time.Minute
	s.play(slow)
	s.on(mapreduce.QueueSeen{Class: "builtin"}, `withdraw [4 5 6 7 8 9 10]`)
}
