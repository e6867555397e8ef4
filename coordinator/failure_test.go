package coordinator_test

import (
	"testing"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

func TestFailedAttemptIsQueuedAgain(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 2)
	s.on(failed(mapreduce.Map, 1, 1), `enqueue map.1`)
	s.on(failed(mapreduce.Map, 1, 1), ``) // the same record again
}

// The paper, 4.6: a record that fails every time must not be tried for ever.
func TestFourFailuresOfATaskFailTheJob(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 2)
	s.play(failed(mapreduce.Map, 1, 1), failed(mapreduce.Map, 1, 2), failed(mapreduce.Map, 0, 3))
	s.on(failed(mapreduce.Map, 1, 4), `enqueue map.1`)
	const reason = "map task 1 failed 4 times, the last time: exit status 3"
	s.on(failed(mapreduce.Map, 1, 5), `end failed: `+reason)
	s.on(mapreduce.Tick{}, `tell u1 mapping`) // queues nothing, asks nothing twice
	s.on(mapreduce.End{UID: "u1", State: mapreduce.Failed, Reason: reason}, `
		withdraw [6]
		record failed `+reason+`
		tell u1 failed
		dismiss u1
		drop 3 lanes
		forget u1, whole: false
		record failed, swept`)
}

func TestPermanentFailureFailsTheJobAtOnce(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(submitted(1, count()))
	failure := failed(mapreduce.Plan, 0, 1)
	failure.Permanent, failure.Reason = true, "no such file: /in"
	s.on(failure, `end failed: no such file: /in`)
	s.on(mapreduce.End{UID: "u1", State: mapreduce.Failed, Reason: "no such file: /in"}, `
		record failed no such file: /in
		tell u1 failed
		dismiss u1
		forget u1, whole: false
		record failed, swept`)
}

func TestLostAttemptsAreFreeUpToACap(t *testing.T) {
	s := mapping(t, coordinator.Config{MaxLosses: 6}, 1)
	for n := range uint32(5) {
		s.on(lost(n+1), ``)
	}
	s.on(lost(6), `end failed: map task 0 was lost 6 times, the last time: worker w on h fell silent`)
}

func lost(n uint32) mapreduce.Failure {
	return mapreduce.Failure{Version: 1, Task: task(mapreduce.Map, 0), Attempt: attempt("w", n), Lost: true, Reason: "worker w on h fell silent"}
}

func TestFailureAfterTheCommitIsNone(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 2)
	s.play(committed(mapreduce.Map, 0))
	late := failed(mapreduce.Map, 0, 1)
	late.Permanent = true
	s.on(late, ``)
}

func TestFailureAfterTheEndIsNone(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 2)
	s.play(mapreduce.End{UID: "u1", State: mapreduce.Cancelled, Reason: "asked to"})
	s.on(failed(mapreduce.Map, 0, 1), ``)
	s.on(committed(mapreduce.Map, 1), ``)
}

func TestFinishThatDecidedFirstOutweighsTheDoom(t *testing.T) {
	s := finishing(t)
	doom := failed(mapreduce.Finish, 0, 1)
	doom.Permanent = true
	s.on(doom, `end failed: exit status 3`)
	s.on(done(), `enqueue finish.0`) // decided by another attempt: only publishing is left
	s.on(doom, ``)
	late := failed(mapreduce.Finish, 0, 2)
	late.Permanent = true
	s.on(late, `enqueue finish.0`) // it did not know
	s.on(committed(mapreduce.Finish, 0), `
		record done
		tell u1 done
		dismiss u1
		drop 3 lanes
		forget u1, whole: false
		record done, swept`)
}

func TestFailuresBeforeTheDecisionDoNotCountAfterIt(t *testing.T) {
	s := finishing(t)
	s.play(failed(mapreduce.Finish, 0, 1), failed(mapreduce.Finish, 0, 2), failed(mapreduce.Finish, 0, 3), done())
	s.on(undone(4), `enqueue finish.0`)
}

func TestOnlyFailuresInPublishingCountAfterTheDecision(t *testing.T) {
	s := finishing(t)
	s.play(done(), failed(mapreduce.Finish, 0, 1), failed(mapreduce.Finish, 0, 2), failed(mapreduce.Finish, 0, 3))
	for n := range uint32(3) {
		s.on(undone(4+n), `enqueue finish.0`)
	}
	s.on(undone(7), `
		record failed finish task 0 failed 4 times, the last time: exit status 3
		tell u1 failed
		dismiss u1
		drop 3 lanes
		forget u1, whole: false
		record failed, swept`)
}

func TestOutputThatCannotBePublishedFailsTheJob(t *testing.T) {
	s := finishing(t)
	s.play(done())
	failure := undone(1)
	failure.Permanent = true
	s.on(failure, `
		record failed exit status 3
		tell u1 failed
		dismiss u1
		drop 3 lanes
		forget u1, whole: false
		record failed, swept`)
}

// undone is a failure in publishing, after the end was decided.
func undone(by uint32) mapreduce.Failure {
	failure := failed(mapreduce.Finish, 0, by)
	failure.Decided = true
	return failure
}

func TestRefusalBeforeTheEndFailsTheJob(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	s.on(mapreduce.Refused{UID: "u1", Reason: "no space"}, `end failed: no space`)
	s.on(mapreduce.Refused{UID: "u1", Reason: "no space"}, ``)
}

// The output may be published by now: to fail the job would be to tell its user that there is none.
func TestRefusalAfterTheEndIsIgnored(t *testing.T) {
	s := finishing(t)
	s.play(done())
	s.on(mapreduce.Refused{UID: "u1", Reason: "no space"}, ``)
}
