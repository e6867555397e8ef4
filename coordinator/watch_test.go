package coordinator_test

import (
	"testing"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

func TestSilentWorkersTasksAreRecordedAsLostThenHandedOn(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 3)
	s.play(beat("w1", task(mapreduce.Map, 0), task(mapreduce.Map, 1)), beat("w2", task(mapreduce.Map, 2)))
	s.play(committed(mapreduce.Map, 1))
	s.ticks(6)
	s.play(beat("w2", task(mapreduce.Map, 2)))
	s.ticks(2)
	s.on(mapreduce.Tick{}, `
		lost map.0 by w1-1
		hand on receipt of map.0
		tell u1 mapping`)
	s.on(mapreduce.Tick{}, `tell u1 mapping`)
}

func TestWorkersThatFallSilentTogetherAreBuriedByName(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 4)
	for n, worker := range []mapreduce.WorkerID{"w4", "w2", "w3", "w1"} {
		s.play(beat(worker, task(mapreduce.Map, n)))
	}
	s.ticks(8)
	s.on(mapreduce.Tick{}, `
		lost map.3 by w1-1
		hand on receipt of map.3
		lost map.1 by w2-1
		hand on receipt of map.1
		lost map.2 by w3-1
		hand on receipt of map.2
		lost map.0 by w4-1
		hand on receipt of map.0
		tell u1 mapping`)
}

// Heartbeats that came during the pause are still to be read when the first tick is.
func TestLeaderThatWasPausedBuriesNobody(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	s.play(beat("w1", task(mapreduce.Map, 0)))
	s.wait(time.Minute)
	s.on(mapreduce.Tick{}, `tell u1 mapping`)
}

func TestDeadWorkersTasksOfAnEndedJobAreLeftAlone(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	s.play(beat("w1", task(mapreduce.Map, 0)), mapreduce.End{UID: "u1", State: mapreduce.Cancelled})
	s.ticks(8)
	s.on(mapreduce.Tick{}, ``)
}

func TestWorkerThatSaysGoodbyeIsNotMourned(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	s.play(beat("w1", task(mapreduce.Map, 0)), mapreduce.Beat{Worker: "w1", Bye: true})
	s.ticks(8)
	s.on(mapreduce.Tick{}, `tell u1 mapping`)
}

// Settled may be seen before the commit that came first: one look is not enough.
func TestTaskThatTheQueueLostIsQueuedAgainAfterTwoLooks(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 2) // map.0 and map.1 are messages 2 and 3
	s.on(settled(2), ``)
	s.on(settled(2), `enqueue map.0`)
	s.on(settled(2), ``)
	s.on(settled(3), ``)
	s.play(committed(mapreduce.Map, 1))
	s.on(settled(3), ``)
}

func TestTaskThatAWorkerHoldsIsNotQueuedAgain(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	s.play(beat("w1", task(mapreduce.Map, 0)))
	s.on(settled(9), ``)
	s.on(settled(9), ``)
	s.play(beat("w1"))
	s.on(settled(9), ``)
	s.on(settled(9), `enqueue map.0`)
}

// The heartbeat is older than the failure.
func TestFailedAttemptInAHeartbeatHoldsNothing(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	s.play(beat("f", task(mapreduce.Map, 0)))
	s.on(failed(mapreduce.Map, 0, 1), `enqueue map.0`)
}

func TestOtherClassSaysNothingOfTheQueue(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	other := mapreduce.QueueSeen{Class: mapreduce.IO, Settled: 9}
	s.on(other, ``)
	s.on(other, ``)
}

func settled(seq uint64) mapreduce.QueueSeen {
	return mapreduce.QueueSeen{Class: "builtin", Settled: seq}
}

// How wide to cut the work depends on who is there to do it.
func TestNothingIsQueuedBeforeAWorkerIsHeardOf(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(mapreduce.Replayed{})
	s.on(submitted(1, count()), `
		record queued
		record planning
		tell u1 planning
		accept 1`)
	s.on(mapreduce.Tick{}, `tell u1 planning`)
	s.on(beat("w1"), `enqueue plan.0`)
	s.on(beat("w1"), ``)
}

// Its worker was killed before a heartbeat named it, and the queue would be patient for seconds.
func TestTaskThatWentToNobodyKnownIsQueuedAgainWhereOthersAreIdle(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 2) // map.0 and map.1 are messages 2 and 3
	s.play(beat("w1", task(mapreduce.Map, 0)))
	s.on(delivered(3), ``) // nobody has nothing to do
	s.on(delivered(3), ``)
	s.play(beat("w2"))
	s.on(delivered(2), ``)
	s.on(delivered(3), ``)
	s.on(delivered(3), `
		withdraw [3]
		enqueue map.1`)
	s.on(delivered(3), ``)
	s.on(delivered(4), ``)
	s.play(beat("w2", task(mapreduce.Map, 1)))
	s.on(delivered(4), ``)
}

func delivered(seq uint64) mapreduce.QueueSeen {
	return mapreduce.QueueSeen{Class: "builtin", Settled: 1, Delivered: seq}
}
