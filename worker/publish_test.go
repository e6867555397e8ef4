package worker

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// shelf is where objects go, in memory. It notes its calls among the others.
type shelf struct {
	s       *surroundings
	refusal error // of every target
	stored  map[string]string
}

func (r *shelf) Check(_ context.Context, uid mapreduce.UID, _ mapreduce.Target) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.note("check %s", uid)
	return r.refusal
}

func (r *shelf) Publish(_ context.Context, uid mapreduce.UID, target mapreduce.Target, content io.ReaderAt, size int64, digest mapreduce.Digest) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.note("publish %s", uid)
	text, err := io.ReadAll(io.NewSectionReader(content, 0, size))
	if r.s.end == nil || digest != r.s.end.Digest {
		err = errors.Join(err, errors.New("published what was not decided"))
	}
	r.stored[target.To] = string(text)
	return err
}

func TestObjectIsPublishedOnceItIsDecided(t *testing.T) {
	for _, to := range []string{"", "object://mine/out"} {
		s := newSurroundings()
		task, _ := finishing(t, s, "b a b")
		task.Target.To = to
		w, results := s.worker(t), &shelf{s: s, stored: map[string]string{}}
		w.Results = results
		w.attempt(t.Context(), delivery(task))
		checkCalls(t, s, "check u", "decide u", "publish u", "commit u.finish.0.1", "complete r0")
		if got := results.stored[to]; got != "a\t1\nb\t2\n" {
			t.Errorf("%s holds %q", to, got)
		}
		if left, err := os.ReadDir(w.Scratch); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	}
}

func TestTargetThatTakesNothingIsRefusedBeforeTheDecision(t *testing.T) {
	s := newSurroundings()
	task, _ := finishing(t, s, "b a b")
	task.Target.To = "object://mine/out"
	w := s.worker(t)
	w.Results = &shelf{s: s, refusal: mapreduce.Permanentf("no bucket")}
	w.attempt(t.Context(), delivery(task))
	checkCalls(t, s, "check u", "fail u.finish.0.1", "discard r0")
}

func TestObjectOfACancelledJobIsNotPublished(t *testing.T) {
	s := newSurroundings()
	task, _ := finishing(t, s, "b a b")
	task.Target.To = ""
	s.end = &mapreduce.End{UID: "u", State: mapreduce.Cancelled}
	w := s.worker(t)
	w.Results = &shelf{s: s, stored: map[string]string{}}
	w.attempt(t.Context(), delivery(task))
	checkCalls(t, s, "check u", "decide u", "commit u.finish.0.1", "complete r0")
}

func TestWorkerWithoutResultsWritesFilesOnly(t *testing.T) {
	s := newSurroundings()
	task, _ := finishing(t, s, "b a b")
	task.Target.To = "object://mine/out"
	s.worker(t).attempt(t.Context(), delivery(task))
	if len(s.failures) != 1 || !s.failures[0].Permanent || !strings.Contains(s.failures[0].Reason, `"object" is not known`) {
		t.Errorf("%+v", s.failures)
	}
}

// Under a root neither the plan nor the finish of a job leaves it.
func TestWorkerKeepsToItsRoot(t *testing.T) {
	s := newSurroundings()
	root := t.TempDir()
	outside := filepath.Join(t.TempDir(), "in")
	if err := errors.Join(os.WriteFile(outside, []byte("x\n"), 0o644), os.WriteFile(root+"/in", []byte("x\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	w := s.worker(t)
	w.Root = root
	w.attempt(t.Context(), delivery(mapreduce.Task{ID: taskID(mapreduce.Plan, 0), Inputs: []string{outside}}))
	task, path := finishing(t, s, "b a b") // a path outside
	w.attempt(t.Context(), delivery(task))
	if len(s.failures) != 2 || !s.failures[0].Absent || !s.failures[1].Permanent {
		t.Fatalf("%+v", s.failures)
	}
	for _, failure := range s.failures {
		if !strings.Contains(failure.Reason, "outside of this worker's --root "+root) {
			t.Error(failure.Reason)
		}
	}
	checkOutput(t, path, "")
	task.ID.UID, task.Target.To = "u", output.URL(filepath.Join(root, "out"))
	w.attempt(t.Context(), delivery(task))
	checkOutput(t, filepath.Join(root, "out"), "a\t1\nb\t2\n")
	w.attempt(t.Context(), delivery(mapreduce.Task{ID: taskID(mapreduce.Plan, 1), Inputs: []string{"in"}}))
	if len(s.failures) != 2 {
		t.Errorf("%+v", s.failures[2:])
	}
}
