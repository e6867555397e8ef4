package coordinator_test

import (
	"testing"

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
