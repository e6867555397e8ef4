package coordinator_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

func gone(reader mapreduce.Phase, partition int, generation mapreduce.Generation) mapreduce.LanesGone {
	return mapreduce.LanesGone{Lanes: []mapreduce.Lane{{UID: "u1", Reader: reader, Partition: partition, Generation: generation}}}
}

// laneless is the record of an attempt that found no lane to publish on.
func laneless(id mapreduce.TaskID, by uint32) mapreduce.Failure {
	return mapreduce.Failure{Version: 1, Task: id, Attempt: attempt("l", by), Laneless: true, Reason: "no lane"}
}

func TestLanesOutOfReachAreReplacedForWhoIsStillToPublish(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 3)
	s.play(committed(mapreduce.Map, 0))
	s.on(laneless(task(mapreduce.Map, 1), 1), `
		make 3 lanes
		enqueue map.1`)
	s.on(gone(mapreduce.Reduce, 1, 1), `
		record repair 2: map  for 1
		make 1 lanes
		tell u1 mapping`)
	s.on(gone(mapreduce.Reduce, 1, 1), ``) // known

	moved := s.queuedTask(laneless(task(mapreduce.Map, 1), 2), "map.1")
	if lane := moved.LaneTo(mapreduce.Reduce, 1); lane.Generation != 2 {
		t.Errorf("what map 1 makes for partition 1 goes on %s", lane)
	}
	if lane := moved.LaneTo(mapreduce.Reduce, 0); lane.Generation != 1 {
		t.Errorf("what map 1 makes for partition 0 goes on %s, which is there", lane)
	}
	s.play(committed(mapreduce.Map, 1))
	reader := s.queuedTask(committed(mapreduce.Map, 2), "reduce.1")
	if lanes := reader.Lanes; len(lanes) != 2 || lanes[0] != 1 || lanes[1] != 2 {
		t.Errorf("reduce 1 reads lanes of generations %v", lanes)
	}
}

func TestLaneOutOfReachThatNobodyPublishesOnIsLeft(t *testing.T) {
	s := shuffling(t, coordinator.Config{})
	s.on(gone(mapreduce.Reduce, 0, 1), ``) // whoever reads it says what is missing
}

func TestLaneToFinishIsReplaced(t *testing.T) {
	s := shuffling(t, coordinator.Config{})
	s.play(committed(mapreduce.Reduce, 0))
	s.on(gone(mapreduce.Finish, 0, 1), `
		record repair 2: reduce  for
		make 1 lanes
		tell u1 reducing`)
	moved := s.queuedTask(laneless(task(mapreduce.Reduce, 1), 1), "reduce.1")
	if lane := moved.LaneTo(mapreduce.Finish, 0); lane.Generation != 2 {
		t.Errorf("reduce 1 publishes on %s", lane)
	}
}

func TestLanesThatAreLostTooOftenFailTheJob(t *testing.T) {
	s := mapping(t, coordinator.Config{MaxRepairs: 1}, 3)
	s.play(gone(mapreduce.Reduce, 0, 1))
	s.on(gone(mapreduce.Reduce, 0, 2), `end failed: output was lost 1 times, the last time lanes of partitions 0`)
}

// A full window of them would be tried in vain, one after the other, and each only to be told that its lane is out of reach.
func TestTasksInTheQueueAreCalledBackWhenTheirLanesAreOutOfReach(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 4)
	running := []mapreduce.TaskID{task(mapreduce.Map, 1), task(mapreduce.Map, 3)}
	s.play(beat("w1", running...), gone(mapreduce.Reduce, 1, 1))
	seen := mapreduce.QueueSeen{Class: "builtin", Settled: 1, Delivered: 2} // somebody has map 0, and did not say so yet
	s.on(seen, `withdraw [4]`)
	s.on(mapreduce.Tick{}, `tell u1 mapping`) // whoever was given one of them meanwhile says so
	s.wait(time.Second)
	s.play(beat("w1", running...))
	var queued []string
	for _, command := range s.state.Step(s.now, mapreduce.Tick{}) {
		if enqueue, is := command.(coordinator.Enqueue); is {
			for _, moved := range enqueue.Tasks {
				lane := moved.LaneTo(mapreduce.Reduce, 1)
				queued = append(queued, fmt.Sprintf("%s for %d of generation %d", short(moved.ID), lane.Partition, lane.Generation))
			}
		}
	}
	if want := []string{"map.2 for 1 of generation 2"}; !slices.Equal(queued, want) {
		t.Errorf("queued again are %v, want %v", queued, want)
	}
	seen.Delivered = 5
	s.on(seen, ``) // which names the lane that is there
}

// Each reader waits for its own lane before it says so. Else the same maps would run again for each of them.
func TestRunsOnLanesThatAreGoneAreMadeAgainForAllReadersAtOnce(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 2)
	s.play(committed(mapreduce.Map, 0))
	s.play(mapreduce.LanesGone{Lanes: append(gone(mapreduce.Reduce, 0, 1).Lanes, gone(mapreduce.Reduce, 1, 1).Lanes...)})
	s.play(committed(mapreduce.Map, 1), missing(task(mapreduce.Reduce, 1), 1, 2, 0))
	s.wait(time.Second)
	s.on(mapreduce.Tick{}, `
		record repair 3: map 0 for 0-1
		make 2 lanes
		tell u1 reducing
		enqueue map.0.3
		tell u1 reducing`)
	s.on(missing(task(mapreduce.Reduce, 0), 2, 2, 0), ``) // what it misses is being made
}

// On lanes that were gone before a map was committed there was nothing to miss.
func TestLanesThatWereGoneBeforeThereWereRunsHoldUpNoReader(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 2)
	s.play(mapreduce.LanesGone{Lanes: append(gone(mapreduce.Reduce, 0, 1).Lanes, gone(mapreduce.Reduce, 1, 1).Lanes...)})
	s.play(committed(mapreduce.Map, 0), committed(mapreduce.Map, 1), missing(task(mapreduce.Reduce, 1), 1, 2, 0))
	s.wait(time.Second)
	s.on(mapreduce.Tick{}, `
		record repair 3: map 0 for 1
		make 1 lanes
		tell u1 reducing
		enqueue map.0.3
		tell u1 reducing`)
}
