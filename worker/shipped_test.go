package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/input"
)

// The end of a job may be heard while one of its attempts runs.
func TestFilesOfAJobThatIsOverGoWithItsLastAttempt(t *testing.T) {
	s := newSurroundings()
	var w *Worker
	w, task := shipping(t, s, func(ctx context.Context) error {
		w.over(mapreduce.Over{UID: "u"})
		_, err := os.ReadFile(mapreduce.TaskOf(ctx).Path("map.py"))
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("reading a file of a job that is over: %v", err)
		}
		return nil
	}, map[string]string{"map.py": "print(1)"})
	w.attempt(t.Context(), delivery(task))
	if kept := w.kept(t); len(kept) != 0 {
		t.Errorf("%d things are left", len(kept))
	}
}

// Attempts that begin and jobs that end meet in any order, and in the end nothing is left.
func TestJobsMayEndWhileTheirFilesAreFetched(t *testing.T) {
	var s shipped
	scratch := t.TempDir()
	load := func() (string, error) { return os.MkdirTemp(scratch, "job-") }
	var attempts sync.WaitGroup
	for range 4 {
		attempts.Go(func() {
			for n := range 50 {
				dir, job := t.TempDir(), s.begin("u")
				err := job.link(dir, []mapreduce.Source{{Name: "/words"}}, load)
				if s.end(job); err != nil {
					t.Error(err)
				}
				if n%3 == 0 {
					s.drop("u")
				}
			}
		})
	}
	attempts.Wait()
	s.drop("u")
	if kept, _ := os.ReadDir(scratch); len(kept) != 0 {
		t.Errorf("%d directories are left", len(kept))
	}
}

// That a job is over may not be heard, or its last attempt may come after that.
func TestFilesOfIdleJobsAreBounded(t *testing.T) {
	s := newSurroundings()
	w, task := shipping(t, s, func(context.Context) error { return nil }, map[string]string{"map.py": "print(1)"})
	for n := range 3 * mostIdle {
		task.ID.UID = mapreduce.UID(fmt.Sprint("u", n%(2*mostIdle)))
		w.attempt(t.Context(), delivery(task))
	}
	kept := w.kept(t)
	if len(kept) != mostIdle || len(s.failures) > 0 {
		t.Errorf("the files of %d jobs are kept, failures %+v", len(kept), s.failures)
	}
	w.shipped.clear()
	if kept = w.kept(t); len(kept) != 0 {
		t.Errorf("%d things are left", len(kept))
	}
}

// That a directory cannot be removed is no fault of what the attempt has put out.
func TestReadOnlyDirectoriesOfACommandAreRemoved(t *testing.T) {
	s := newSurroundings()
	w, task := shipping(t, s, func(ctx context.Context) error {
		own := mapreduce.TaskOf(ctx).Path("own")
		return errors.Join(os.MkdirAll(filepath.Join(own, "sub"), 0o700), os.WriteFile(filepath.Join(own, "sub", "x"), nil, 0o400),
			os.Chmod(filepath.Join(own, "sub"), 0o500), os.Chmod(own, 0o500))
	}, map[string]string{"map.py": "print(1)"})
	w.attempt(t.Context(), delivery(task))
	w.over(mapreduce.Over{UID: "u"})
	if kept := w.kept(t); len(kept) != 0 || len(s.failures) > 0 {
		t.Errorf("%d things are left, failures %+v", len(kept), s.failures)
	}
}

func TestFileIsCalledAsWhereItComesFrom(t *testing.T) {
	for want, source := range map[string]mapreduce.Source{
		"words.py":     {Name: "/home/me/words.py"},
		"50%25 off?.x": {Name: "/data/50%25 off?.x"},
		"carried.py":   {Name: "carried://u/0/carried.py", As: "tools/carried.py"},
		"my file.py":   {Name: "object://tools/my%20file.py"},
		"page.py":      {Name: "https://host/a/page.py?token=a/b#c"},
		"b.py":         {Name: "https://host/a%2F..%2Fb.py"},
	} {
		if got := shippedName(source); got != want {
			t.Errorf("%+v is called %q, want %q", source, got, want)
		}
	}
}

// pretended lists what it is told to.
type pretended struct {
	input.Scheme
	sources []mapreduce.Source
}

func (p pretended) List(context.Context, string) ([]mapreduce.Source, error) { return p.sources, nil }

// Whoever names objects and pages names what stands beside the program: nothing but a file may come of that.
func TestFilesThatCannotStandBesideAProgramAreRefused(t *testing.T) {
	long := make([]mapreduce.Source, 60)
	for n := range long {
		long[n] = mapreduce.Source{Name: fmt.Sprintf("https://host/%s/%d", strings.Repeat("x", 2000), n), Size: 1}
	}
	for want, sources := range map[string][]mapreduce.Source{
		`can be called ".."`:       {{Name: "x://bucket/.."}},
		`can be called "."`:        {{Name: "x://bucket/."}},
		`can be called "a\x00b"`:   {{Name: "x://bucket/a%00b"}},
		`can be called "xxx`:       {{Name: "x://bucket/" + strings.Repeat("x", 256)}},
		"put them into an archive": long,
		"65 files, 64 at most":     make([]mapreduce.Source, 65),
	} {
		w := newSurroundings().worker(t)
		w.Schemes = map[string]input.Scheme{"x": pretended{sources: sources}}
		_, err := w.list(t.Context(), []string{"x://bucket"})
		if err == nil || !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.100v, want %s", err, want)
		}
	}
}
