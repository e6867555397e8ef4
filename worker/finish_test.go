package worker

import (
	"errors"
	"os"
	"testing"

	"jetreduce/mapreduce"
)

// checkOutput compares the file that a job was to write; "" wants none.
func checkOutput(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if string(got) != want || (want == "") != os.IsNotExist(err) {
		t.Errorf("output %q, error %v, want %q", got, err, want)
	}
}

func TestOutputAppearsOnceItIsDecided(t *testing.T) {
	s := newSurroundings()
	task, path := finishing(t, s, "b a b")
	s.worker(t).attempt(t.Context(), delivery(task))
	checkCalls(t, s, "decide u", "commit u.finish.0.1", "complete r0")
	checkOutput(t, path, "a\t1\nb\t2\n")
	if s.end.State != mapreduce.Done || s.end.Digest != s.commits[task.ID].Digest {
		t.Errorf("end %+v, commit %+v", s.end, s.commits[task.ID])
	}
}

func TestJobThatWasCancelledFirstHasNoOutput(t *testing.T) {
	s := newSurroundings()
	task, path := finishing(t, s, "b a b")
	s.end = &mapreduce.End{UID: "u", State: mapreduce.Cancelled}
	s.worker(t).attempt(t.Context(), delivery(task))
	checkCalls(t, s, "decide u", "commit u.finish.0.1", "complete r0")
	checkOutput(t, path, "")
}

// Finish that runs after the decision publishes what was decided, or nothing.
func TestOnlyTheDecidedOutputIsPublished(t *testing.T) {
	s := newSurroundings()
	task, path := finishing(t, s, "b a b")
	s.end = &mapreduce.End{UID: "u", State: mapreduce.Done, Digest: 1}
	s.worker(t).attempt(t.Context(), delivery(task))
	checkCalls(t, s, "decide u", "fail u.finish.0.1", "discard r0")
	if failure := s.failures[0]; !failure.Permanent || !failure.Decided {
		t.Errorf("recorded %+v", failure)
	}
	checkOutput(t, path, "")
}

// The decision may stand: whoever runs finish next finds it, and publishes.
func TestLostAnswerToADecisionIsNoFailure(t *testing.T) {
	s := newSurroundings()
	task, path := finishing(t, s, "b a b")
	w := s.worker(t)
	s.unanswered = errors.New("connection closed")
	w.attempt(t.Context(), delivery(task))
	checkCalls(t, s, "decide u", "hand back later r0")
	checkOutput(t, path, "")
	w.attempt(t.Context(), delivery(task))
	checkOutput(t, path, "a\t1\nb\t2\n")
}
