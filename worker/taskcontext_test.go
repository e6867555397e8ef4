package worker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/mapreduce"
)

func TestWhatAttemptsThatCommitHaveCountedIsInTheirRecords(t *testing.T) {
	s := newSurroundings()
	fail := errors.New("no")
	counting := program("counting", func(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
		for range batch.Lines() {
			mapreduce.Count(ctx, "lines", "seen", 1)
		}
		mapreduce.TaskOf(ctx).Say("half way")
		return fail
	})
	task := whole(t, s, "counting", "a", "b")
	w := s.worker(t, counting)
	w.attempt(t.Context(), delivery(task))
	fail = nil
	w.attempt(t.Context(), delivery(task))
	if diff := cmp.Diff(mapreduce.Counters{"lines,seen": 2}, s.commits[task.ID].Counters); diff != "" || len(s.failures) != 1 {
		t.Errorf("%d failures, counters (-want +got):\n%s", len(s.failures), diff)
	}
}

func TestHeartbeatsSayWhatProgramsSay(t *testing.T) {
	s := newSurroundings()
	var status string
	var w *Worker
	saying := program("saying", func(ctx context.Context, _ mapreduce.Batch, _ mapreduce.Output) error {
		mapreduce.TaskOf(ctx).Say("half way")
		status = w.running.list()[0].Status
		return nil
	})
	w = s.worker(t, saying)
	w.attempt(t.Context(), delivery(whole(t, s, "saying", "a")))
	if status != "half way" {
		t.Errorf("the heartbeat says %q", status)
	}
}

// closing is a program whose mapper and reducer want to be closed.
type closing struct {
	fault  error
	closed int
}

func (c *closing) Map(_ context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	out.Emit(batch.Data, mapreduce.One())
	return c.fault
}

func (c *closing) Reduce(context.Context, []byte, iter.Seq[[]byte], mapreduce.Output) error {
	return c.fault
}

func (c *closing) Close() error {
	c.closed++
	return nil
}

func TestProgramsAreClosedHoweverTheirAttemptEnds(t *testing.T) {
	for _, fault := range []error{nil, errors.New("no")} {
		s := newSurroundings()
		c := &closing{fault: fault}
		p := program("closing", nil)
		p.Mapper = func(map[string]string) (mapreduce.Mapper, error) { return c, nil }
		s.worker(t, p).attempt(t.Context(), delivery(whole(t, s, "closing", "a")))
		if c.closed != 1 {
			t.Errorf("with the error %v it was closed %d times", fault, c.closed)
		}
	}
}

// shipping is a map task of a program that reads the files shipped along, and these.
func shipping(t *testing.T, s *surroundings, read func(ctx context.Context) error, files map[string]string) (*Worker, mapreduce.Task) {
	t.Helper()
	p := program("shipping", func(ctx context.Context, _ mapreduce.Batch, _ mapreduce.Output) error { return read(ctx) })
	w, dir := s.worker(t, p), t.TempDir()
	var names []string
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, path)
	}
	task := whole(t, s, "shipping", "a")
	var err error
	if task.Files, err = w.list(t.Context(), names); err != nil {
		t.Fatal(err)
	}
	return w, task
}

func TestFilesStandBesideEachAttemptAndAreGoneBehindIt(t *testing.T) {
	s := newSurroundings()
	var dirs []string
	read := func(ctx context.Context) error {
		task := mapreduce.TaskOf(ctx)
		dirs = append(dirs, task.Dir)
		for name, want := range map[string]string{"stop.txt": "the\n", "sums.sh": "#!/bin/sh\n"} {
			got, err := os.ReadFile(task.Path(name))
			info, statErr := os.Stat(task.Path(name))
			if err != nil || statErr != nil || string(got) != want || info.Mode().Perm() != 0o555 {
				return fmt.Errorf("%s: %q, mode %v, %w", name, got, info, errors.Join(err, statErr))
			}
		}
		return os.WriteFile(task.Path("own"), nil, 0o600)
	}
	w, task := shipping(t, s, read, map[string]string{"stop.txt": "the\n", "tools/sums.sh": "#!/bin/sh\n"})
	for range 2 {
		w.attempt(t.Context(), delivery(task))
	}
	if len(s.failures) > 0 || len(dirs) != 2 || dirs[0] == dirs[1] {
		t.Fatalf("directories %v, failures %+v", dirs, s.failures)
	}
	for _, dir := range dirs {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", dir, err)
		}
	}
	if kept := w.kept(t); len(kept) != 1 {
		t.Errorf("between attempts %d things are kept, want the files alone", len(kept))
	}
	w.over(mapreduce.Over{UID: "u"})
	if kept := w.kept(t); len(kept) != 0 {
		t.Errorf("behind the job %d things are left", len(kept))
	}
}

func TestFileThatChangedSinceThePlanFailsTheJob(t *testing.T) {
	s := newSurroundings()
	w, task := shipping(t, s, func(context.Context) error { return nil }, map[string]string{"map.py": "print(1)"})
	if err := os.WriteFile(task.Files[0].Name, []byte("print(2)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.attempt(t.Context(), delivery(task))
	if len(s.failures) != 1 || !s.failures[0].Permanent || !strings.Contains(s.failures[0].Reason, "input changed") {
		t.Errorf("failures %+v", s.failures)
	}
}

func TestTwoFilesOfOneNameAreRefused(t *testing.T) {
	w, dir := newSurroundings().worker(t), t.TempDir()
	for _, sub := range []string{"a", "b"} {
		if err := errors.Join(os.Mkdir(filepath.Join(dir, sub), 0o700), os.WriteFile(filepath.Join(dir, sub, "x"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.list(t.Context(), []string{filepath.Join(dir, "a/x"), filepath.Join(dir, "b/x")})
	if err == nil || !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "both are called x") {
		t.Errorf("error %v", err)
	}
}

// Whatever stands in the queue: who was not allowed to run commands runs none.
func TestWorkerThatRunsNoCommandsHandsThemBack(t *testing.T) {
	s := newSurroundings()
	task := whole(t, s, "", "a")
	task.Program, task.Commands = "", &mapreduce.Commands{Map: "cat"}
	w := s.worker(t)
	w.Commands = func(mapreduce.Commands) mapreduce.Program { return program("cat", nil) }
	if w.attempt(t.Context(), delivery(task)) || len(s.failures) > 0 {
		t.Errorf("it took the task: failures %+v", s.failures)
	}
	if got := s.calls[len(s.calls)-1]; got != "hand back r0" {
		t.Errorf("the last call was %q", got)
	}
}

// A combiner that reads all that a map has emitted gets it sorted, and what it emits travels.
func TestSortedCombinerSeesAllOfAMapInOrder(t *testing.T) {
	s := newSurroundings()
	var seen []string
	p := program("combining", func(_ context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
		for _, line := range batch.Lines() {
			out.Emit(line, mapreduce.One())
		}
		return nil
	})
	p.SortedCombiner = func(_ context.Context, sorted func(func(key, value []byte) error) error, out mapreduce.Output) error {
		return sorted(func(key, value []byte) error {
			seen = append(seen, string(key))
			out.Emit(key, value)
			return nil
		})
	}
	task := whole(t, s, "combining", "c", "a", "b", "a")
	s.worker(t, p).attempt(t.Context(), delivery(task))
	if diff := cmp.Diff([]string{"a", "a", "b", "c"}, seen); diff != "" || s.commits[task.ID].Counts.Records != 4 {
		t.Errorf("%d records, the combiner saw (-want +got):\n%s", s.commits[task.ID].Counts.Records, diff)
	}
}
