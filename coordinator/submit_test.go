package coordinator_test

import (
	"testing"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

func TestSameSubmissionAgainIsTheSameJob(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(submitted(1, count()))
	s.on(submitted(1, count()), `accept 1`) // its acknowledgement was lost
	s.on(submitted(2, count()), `
		tell u1 planning
		accept 2`)
}

func TestSameSubmissionAfterATakeoverIsTheSameJob(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	spec := count()
	s.play(mapreduce.Restored{Record: queued(1, &spec)}, mapreduce.Replayed{})
	s.on(submitted(1, count()), `accept 1`)
	again := count()
	again.Args = map[string]string{} // as {"args": {}} is read; the record leaves it out
	s.on(submitted(2, again), `
		tell u1 planning
		accept 2`)
}

func TestAnotherJobUnderTheSameIDIsRefused(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(submitted(1, count()))
	other := count()
	other.Reduces = 9
	s.on(submitted(2, other), `
		reject 2: job count exists with another description: use another id
		accept 2`)
}

func TestJobThatCannotRunIsRefused(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.on(mapreduce.Submitted{Seq: 1, UID: "u1", Bad: "not JSON"}, `
		reject 1: not JSON
		accept 1`)
	s.on(submitted(2, mapreduce.Job{ID: "x", Inputs: []string{"/in"}}), `
		reject 2: the job names no program
		accept 2`)
}

func TestJobWithoutAnIDGetsOne(t *testing.T) {
	s := leading(t, coordinator.Config{})
	nameless := count()
	nameless.ID = ""
	s.play(submitted(5, nameless))
	s.on(mapreduce.Asked{Job: "j5", Reply: "r"}, `answer r: true`)
	s.on(mapreduce.Asked{Job: "j6", Reply: "r"}, `answer r: false`)
}
