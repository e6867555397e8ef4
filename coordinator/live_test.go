package coordinator

import (
	"fmt"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// What a tick, a look at the queue and a commit go through are the jobs that have not ended, however many have.
func TestOnlyJobsThatHaveNotEndedAreLookedAt(t *testing.T) {
	now := time.Unix(1000, 0)
	s := NewState(Config{Epoch: 1})
	for n := range 100 {
		uid := mapreduce.UID(fmt.Sprintf("u%d", n))
		spec := mapreduce.Job{ID: mapreduce.JobID("job-" + uid), Program: "p", Inputs: []string{"/in"}}
		record := mapreduce.Record{Version: 1, UID: uid, Job: spec.ID, State: mapreduce.Queued, At: now, Seq: uint64(n + 1), Spec: &spec}
		s.Step(now, mapreduce.Restored{Record: record})
		record = mapreduce.Record{Version: 1, UID: uid, Job: spec.ID, State: mapreduce.Done, Swept: true, Summary: &mapreduce.Summary{}}
		if n != 7 {
			s.Step(now, mapreduce.Restored{Record: record})
		}
	}
	s.Step(now, mapreduce.Tick{}) // of a standby
	if len(s.live) != 1 {
		t.Errorf("a standby looks at %d jobs", len(s.live))
	}
	s.Step(now, mapreduce.Replayed{})
	if len(s.live) != 1 || s.live[0].uid != "u7" || len(s.late) > 0 {
		t.Errorf("a leader looks at %d jobs, and forgets once more what %d have left", len(s.live), len(s.late))
	}
	s.Step(now, mapreduce.End{Version: 1, UID: "u7", State: mapreduce.Failed, Reason: "r"})
	s.Step(now, mapreduce.Tick{})
	if len(s.live) != 0 || len(s.jobs) != 100 {
		t.Errorf("it looks at %d jobs of %d, and all have ended", len(s.live), len(s.jobs))
	}
}
