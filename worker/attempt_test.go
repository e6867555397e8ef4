package worker

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func checkCalls(t *testing.T, s *surroundings, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, s.calls); diff != "" {
		t.Errorf("want - called +\n%s", diff)
	}
}

// Output must be stored before it counts, and count before the queue forgets the task.
func TestRunsAreStoredThenCommittedThenSettled(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "wordcount", "a b")[0]
	s.worker(t).attempt(t.Context(), delivery(task))
	checkCalls(t, s, "load chunk 0", "push to reduce 0", "push to reduce 1", "flush", "commit u.map.0.1", "complete r0")
	commit := s.commits[task.ID]
	if commit.Attempt != (mapreduce.Attempt{Worker: "w", N: 1}) ||
		commit.Counts != (mapreduce.Counts{Bytes: 4, Records: 2, Shuffled: s.published()}) {
		t.Errorf("committed %+v", commit)
	}
}

// Whoever did it before may have died before the queue knew, or the queue has forgotten: to do it again might take hours.
func TestTaskThatIsHandedOutAgainAndCommittedIsNotDoneAgain(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "wordcount", "a b")[0]
	s.commits[task.ID] = mapreduce.Commit{Task: task.ID, Attempt: mapreduce.Attempt{Worker: "other", N: 1}}
	again := delivery(task)
	again.Repeated = true
	s.worker(t).attempt(t.Context(), again)
	checkCalls(t, s, "complete r0")
	delete(s.commits, task.ID)
	s.worker(t).attempt(t.Context(), again)
	checkCalls(t, s, "complete r0", "load chunk 0", "push to reduce 0", "push to reduce 1", "flush", "commit u.map.0.1", "complete r0")
}

// A task that left the queue without a record would be forgotten until the leader looks.
func TestFailureIsRecordedBeforeTheDeliveryIsDiscarded(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "bad", "a")[0]
	bad := program("bad", func(context.Context, mapreduce.Batch, mapreduce.Output) error { return errors.New("no taste for it") })
	s.worker(t, bad).attempt(t.Context(), delivery(task))
	checkCalls(t, s, "load chunk 0", "fail u.map.0.1", "discard r0")
	failure := s.failures[0]
	if failure.Permanent || failure.Lost || failure.Attempt != (mapreduce.Attempt{Worker: "w", N: 1}) {
		t.Errorf("recorded %+v", failure)
	}
	for _, want := range []string{"no taste for it", "input", "byte 0"} {
		if !strings.Contains(failure.Reason, want) {
			t.Errorf("reason %q does not say %q", failure.Reason, want)
		}
	}
}

func TestFailureThatIsNotRecordedHandsTheDeliveryBack(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "unknown", "a")[0]
	s.unrecorded = errors.New("the bus is away")
	s.worker(t).attempt(t.Context(), delivery(task))
	checkCalls(t, s, "fail u.map.0.1", "hand back later r0")
}

// The attempt may have won: to record it as failed would charge the program for the network.
func TestLostAnswerToACommitIsNoFailure(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "wordcount", "a")[0]
	w := s.worker(t)
	s.unanswered = errors.New("connection closed")
	w.attempt(t.Context(), delivery(task))
	if last := s.calls[len(s.calls)-1]; last != "hand back later r0" || len(s.failures) > 0 {
		t.Errorf("calls %q, failures %+v", s.calls, s.failures)
	}
	w.attempt(t.Context(), delivery(task)) // the delivery comes again
	if last := s.calls[len(s.calls)-1]; last != "complete r0" || s.commits[task.ID].Attempt.N != 1 {
		t.Errorf("calls %q, the commit is of %s", s.calls, s.commits[task.ID].Attempt)
	}
}

func TestCommitThatIsRefusedForGoodIsAFailure(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "wordcount", "a")[0]
	s.unanswered = mapreduce.Permanentf("too large")
	s.worker(t).attempt(t.Context(), delivery(task))
	if last := s.calls[len(s.calls)-1]; last != "discard r0" || len(s.failures) != 1 || !s.failures[0].Permanent {
		t.Errorf("calls %q, failures %+v", s.calls, s.failures)
	}
}

func TestStoppedWorkerHandsBackAndRecordsNothing(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "stopped", "a")[0]
	ctx, stop := context.WithCancel(t.Context())
	stopped := program("stopped", func(ctx context.Context, _ mapreduce.Batch, _ mapreduce.Output) error {
		stop()
		return ctx.Err()
	})
	s.worker(t, stopped).attempt(ctx, delivery(task))
	checkCalls(t, s, "load chunk 0", "hand back r0")
}

func TestTaskOfAnUnknownKindIsHandedBack(t *testing.T) {
	s := newSurroundings()
	s.worker(t).attempt(t.Context(), delivery(mapreduce.Task{ID: taskID("sort", 0)}))
	checkCalls(t, s, "hand back r0")
}

// A worker of another binary may have it; if none has, the job fails with these words.
func TestProgramThatThisWorkerLacksIsForOthers(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "wordcount", "a")[0]
	task.Program = "wordcont"
	s.worker(t).attempt(t.Context(), delivery(task))
	if len(s.failures) != 1 || !s.failures[0].Absent || s.failures[0].Permanent || !strings.Contains(s.failures[0].Reason, "did you mean wordcount") {
		t.Errorf("failures %+v", s.failures)
	}
}

// What no other attempt can do better is said so, and does not run four times.
func TestWhatNobodyCanDoIsPermanent(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*mapreduce.Task)
		says   string
	}{
		"bad argument":  {func(task *mapreduce.Task) { task.Args = map[string]string{"x": "y"} }, "leave out x"},
		"no split":      {func(task *mapreduce.Task) { task.Split = nil }, "no split"},
		"no partitions": {func(task *mapreduce.Task) { task.Reduces = 0 }, "no partitions"},
		"partitions":    {func(task *mapreduce.Task) { task.Reduces = mapreduce.MaxPartitions + 1 }, "no partitions"},
		"no roster": {func(task *mapreduce.Task) {
			task.ID.Phase, task.Target = mapreduce.Reduce, &mapreduce.Target{}
		}, "no roster"},
		"no output":     {func(task *mapreduce.Task) { task.ID.Phase = mapreduce.Reduce }, "no output"},
		"nowhere to go": {func(task *mapreduce.Task) { task.ID.Phase = mapreduce.Finish }, "no output"},
		"bad order": {func(task *mapreduce.Task) {
			task.ID.Phase, task.Target = mapreduce.Reduce, &mapreduce.Target{Order: "upwards"}
		}, "unknown order"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSurroundings()
			task := planned(t, s, "wordcount", "a")[0]
			test.change(&task)
			s.worker(t).attempt(t.Context(), delivery(task))
			if len(s.failures) != 1 || !s.failures[0].Permanent || !strings.Contains(s.failures[0].Reason, test.says) {
				t.Errorf("failures %+v, want a permanent one that says %q", s.failures, test.says)
			}
		})
	}
}

func TestPanicIsAFailureThatShowsWhere(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "panics", "a")[0]
	s.worker(t, program("panics", explode)).attempt(t.Context(), delivery(task))
	if len(s.failures) != 1 {
		t.Fatalf("failures %+v", s.failures)
	}
	for _, want := range []string{"program panics panicked", "boom", "explode", "attempt_test.go"} {
		if !strings.Contains(s.failures[0].Reason, want) {
			t.Errorf("reason does not say %q:\n%s", want, s.failures[0].Reason)
		}
	}
}

func explode(context.Context, mapreduce.Batch, mapreduce.Output) error { panic("boom") }

// Of two attempts that differ the first stands, and the second says so; two that agree are nothing to speak of.
func TestLoserWithOtherOutputReportsIt(t *testing.T) {
	for name, test := range map[string]struct {
		emits []string // by attempt
		says  bool
	}{
		"same":  {[]string{"x", "x"}, false},
		"other": {[]string{"x", "y"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSurroundings()
			task := planned(t, s, "fickle", "a")[0]
			attempts := 0
			w := s.worker(t, program("fickle", func(_ context.Context, _ mapreduce.Batch, out mapreduce.Output) error {
				out.Emit([]byte("key"), []byte(test.emits[attempts]))
				attempts++
				return nil
			}))
			var said bytes.Buffer
			w.Log = slog.New(slog.NewTextHandler(&said, nil))
			w.attempt(t.Context(), delivery(task))
			first := s.commits[task.ID]
			w.attempt(t.Context(), delivery(task))
			if attempts != 2 || s.commits[task.ID].Attempt != first.Attempt || len(s.failures) > 0 {
				t.Errorf("%d attempts, commit %+v, failures %+v", attempts, s.commits[task.ID], s.failures)
			}
			if got := strings.Contains(said.String(), "not deterministic"); got != test.says {
				t.Errorf("reported is %t:\n%s", got, said.String())
			}
		})
	}
}

func TestWordsOfAFailureAreBoundedAndKeepBothEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		filler := rapid.SampledFrom([]string{"x", "é", "\U0001F98A", "€\n"}).Draw(t, "filler")
		words := "begin" + strings.Repeat(filler, rapid.IntRange(0, 20<<10).Draw(t, "times")) + "end"
		short := abridge(words)
		if len(short) > 8<<10+10 || !utf8.ValidString(short) || !strings.HasPrefix(short, "begin") || !strings.HasSuffix(short, "end") {
			t.Fatalf("%d bytes, abridged to %d: %.20q…", len(words), len(short), short)
		}
		if len(words) <= 8<<10 && short != words {
			t.Fatalf("%d bytes were abridged to %d", len(words), len(short))
		}
	})
}

// A disk that is full is this worker's trouble, and not the program's: another may have room.
func TestWorkerWhoseDiskIsFullLeavesTheTaskToOthers(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "spills", "a")[0]
	w := s.worker(t, program("spills", func(context.Context, mapreduce.Batch, mapreduce.Output) error {
		return &os.PathError{Op: "write", Path: "/scratch/spill", Err: syscall.ENOSPC}
	}))
	w.Host = "vm"
	w.attempt(t.Context(), delivery(task))
	if len(s.failures) != 1 || !s.failures[0].Absent || !strings.Contains(s.failures[0].Reason, "worker w on vm") {
		t.Errorf("recorded %+v", s.failures)
	}
}
