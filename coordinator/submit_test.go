package coordinator_test

import (
	"encoding/json"
	"fmt"
	"strings"
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
		record failed job count exists with another description: use another id
		tell u2 failed
		reject 2: job count exists with another description: use another id
		accept 2`)
}

func TestJobThatCannotRunIsRefused(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.on(mapreduce.Submitted{Seq: 1, UID: "u1", Bad: "not JSON"}, `
		record failed not JSON
		tell u1 failed
		reject 1: not JSON
		accept 1`)
	s.on(submitted(2, mapreduce.Job{ID: "x", Inputs: []string{"/in"}}), `
		record failed the job names no program
		tell u2 failed
		reject 2: the job names no program
		accept 2`)
	s.on(mapreduce.Asked{Job: "j1", Reply: "r"}, `answer r: failed`)
	s.on(mapreduce.Asked{Job: "x", Reply: "r"}, `answer r: failed`)
	s.on(mapreduce.Asked{Want: mapreduce.WantRetry, Job: "x", UID: "u3", Reply: "r"}, `answer r: job x was refused: the job names no program: remove it, and submit it anew`)
}

func TestJobWithoutAnIDGetsOne(t *testing.T) {
	s := leading(t, coordinator.Config{})
	nameless := count()
	nameless.ID = ""
	s.play(submitted(5, nameless))
	s.on(mapreduce.Asked{Job: "j5", Reply: "r"}, `answer r: planning`)
	s.on(mapreduce.Asked{Job: "j6", Reply: "r"}, `answer r: there is no job "j6"`)
}

// Whatever somebody submits, what is recorded of it fits a message.
func TestHugeSubmissionIsRefusedInFewWords(t *testing.T) {
	s := leading(t, coordinator.Config{})
	huge := strings.Repeat("ü", 200_000)
	for i, e := range []mapreduce.Submitted{
		{Job: mapreduce.Job{ID: mapreduce.JobID(huge), Program: "p", Inputs: []string{"/x"}}},
		{Job: mapreduce.Job{ID: "a", Program: huge, Inputs: []string{"/x"}}},
		{Job: mapreduce.Job{ID: "b", Program: "p", Inputs: []string{"/x"}, Output: mapreduce.Target{To: huge}}},
		{Bad: huge},
	} {
		e.Seq, e.UID = uint64(i+1), mapreduce.UID(fmt.Sprintf("u%d", i))
		recorded := false
		for _, command := range s.state.Step(s.now, e) {
			if c, ok := command.(coordinator.WriteRecord); ok {
				text, err := json.Marshal(c.Record)
				recorded = err == nil && len(text) < mapreduce.MaxMessage && c.Record.State == mapreduce.Failed
			}
		}
		if !recorded {
			t.Errorf("submission %d is not recorded as failed, or not in a message's size", i)
		}
	}
}

func TestOutputThatNothingCanBeBroughtToIsRefused(t *testing.T) {
	s := leading(t, coordinator.Config{})
	for _, to := range []string{"object://bad bucket/x", "object://bucket", "s3://b/x", "/plain"} {
		job := count()
		job.Output.To = to
		request := submitted(0, job)
		request.Reply = "r"
		commands := s.state.Step(s.now, request)
		if answer, ok := commands[0].(coordinator.Answer); !ok || answer.Answer.Error == "" || len(commands) != 1 {
			t.Errorf("output to %q is taken up: %v", to, commands)
		}
	}
}
