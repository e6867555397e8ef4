package coordinator_test

import (
	"slices"
	"testing"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// commandJob is a job that runs a command.
func commandJob() mapreduce.Job {
	return mapreduce.Job{ID: "c", Commands: mapreduce.Commands{Map: "cat"}, MapOnly: true, Inputs: []string{"/in"}}
}

const (
	fromNobody    = "it runs commands, and this coordinator takes such jobs from nobody (--exec never): use a built-in program"
	fromPermitted = "it runs commands, and this coordinator takes such jobs only from those who have the permission (--exec permitted): " +
		"ask for what `jetreduce permissions client --exec` prints"
)

// Who may submit commands is decided by the policy, and by where the job came: the same for requests and for what is stored.
func TestCommandsAreTakenFromThoseWhoMaySubmitThem(t *testing.T) {
	for _, c := range []struct {
		policy    coordinator.ExecPolicy
		permitted bool
		refusal   string
	}{
		{"", false, ""}, {coordinator.ExecAnyone, false, ""}, {coordinator.ExecAnyone, true, ""},
		{coordinator.ExecPermitted, false, fromPermitted}, {coordinator.ExecPermitted, true, ""},
		{coordinator.ExecNever, false, fromNobody}, {coordinator.ExecNever, true, fromNobody},
	} {
		for _, stored := range []bool{true, false} {
			s := leading(t, coordinator.Config{Exec: c.policy})
			e := submitted(1, commandJob())
			if e.Exec = c.permitted; !stored {
				e.Seq, e.Reply = 0, "r"
			}
			switch {
			case c.refusal == "" && stored:
				s.on(e, "record queued\nrecord planning\ntell u1 planning\nenqueue plan.0\naccept 1")
			case c.refusal == "":
				s.on(e, "record queued\nanswer r: queued\nrecord planning\ntell u1 planning\nenqueue plan.0")
			case stored:
				s.on(e, "record failed "+c.refusal+"\ntell u1 failed\nreject 1: "+c.refusal+"\naccept 1")
			default:
				s.on(e, "answer r: "+c.refusal)
			}
		}
	}
}

// Nobody gets around the policy by submitting a job again that somebody else was permitted to submit.
func TestCommandsThatWerePermittedAreNotTakenFromOthers(t *testing.T) {
	s := leading(t, coordinator.Config{Exec: coordinator.ExecPermitted})
	e := submitted(1, commandJob())
	e.Exec = true
	s.play(e)
	again := submitted(0, commandJob())
	again.Reply = "r"
	s.on(again, "answer r: "+fromPermitted)
}

func TestCommandsAreNotRetriedWhereNobodyMaySubmitThem(t *testing.T) {
	s := newScene(t, coordinator.Config{Exec: coordinator.ExecNever})
	job := commandJob()
	failed := mapreduce.Record{Version: 1, UID: "u1", Job: "c", State: mapreduce.Failed, Error: "e", At: s.now, Summary: &mapreduce.Summary{}, Swept: true}
	s.play(mapreduce.Restored{Record: queued(1, &job)}, mapreduce.Restored{Record: failed}, mapreduce.Replayed{})
	s.on(mapreduce.Asked{Want: mapreduce.WantRetry, Job: "c", UID: "u2", Reply: "r"}, "answer r: job c: "+fromNobody)
}

// What was taken while anyone could submit commands does not come back once that takes a permission, by whoever may ask for a retry.
func TestRetryNeedsThePermissionThatItsJobCameWith(t *testing.T) {
	for permitted, answer := range map[bool]string{false: "answer r: job c: " + fromPermitted, true: "answer r: queued"} {
		s := newScene(t, coordinator.Config{Exec: coordinator.ExecPermitted})
		job := commandJob()
		first := queued(1, &job)
		first.Exec = permitted
		failed := mapreduce.Record{Version: 1, UID: "u1", Job: "c", State: mapreduce.Failed, Error: "e", At: s.now, Summary: &mapreduce.Summary{}, Swept: true}
		s.play(mapreduce.Restored{Record: first}, mapreduce.Restored{Record: failed}, mapreduce.Replayed{})
		commanded := s.step(mapreduce.Asked{Want: mapreduce.WantRetry, Job: "c", UID: "u2", Reply: "r"})
		if !slices.Contains(commanded, answer) {
			t.Errorf("permitted %t: it commands %q, want %q", permitted, commanded, answer)
		}
	}
}

// A bucket for the rows is there before finish is queued, also when the leader changes in between.
func TestBucketIsMadeBeforeFinishLooksForIt(t *testing.T) {
	s := leading(t, coordinator.Config{})
	job := count()
	job.Reduces, job.Output.To = 1, "kv://words"
	s.play(submitted(1, job), planned(1), committed(mapreduce.Map, 0))
	s.on(committed(mapreduce.Reduce, 0), `
		record finishing
		make bucket kv://words
		tell u1 finishing
		enqueue finish.0`)
	s.on(mapreduce.Refused{UID: "u1", Reason: "no room"}, `end failed: no room`)
}

func TestNextLeaderMakesTheBucketThatFinishLooksFor(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	job := count()
	job.Reduces, job.Output.To = 1, "kv://words"
	record := func(state mapreduce.State) mapreduce.Restored {
		return mapreduce.Restored{Record: mapreduce.Record{Version: 1, UID: "u1", Job: "count", State: state, At: s.now, Reduces: 1}}
	}
	s.play(mapreduce.Restored{Record: queued(1, &job)}, record(mapreduce.Planning), record(mapreduce.Mapping), record(mapreduce.Finishing),
		planned(1), committed(mapreduce.Map, 0), committed(mapreduce.Reduce, 0))
	if commanded := s.step(mapreduce.Replayed{}); !slices.Contains(commanded, "make bucket kv://words") {
		t.Errorf("it commands %q", commanded)
	}
}
