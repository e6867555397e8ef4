package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"jetreduce/mapreduce"
)

func TestAnotherAttemptMayHavePublishedTheSameParts(t *testing.T) {
	for _, to := range []func(string) mapreduce.Target{dirTarget, forcedDir} {
		dir := t.TempDir()
		first, second := beginDir(t, to(dir), "a", "b"), beginDir(t, to(dir), "a", "b")
		must(t, first.Publish())
		before, err := os.Stat(filepath.Join(dir, "out"))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, "out", ".nfs01"), nil, 0o600)) // some systems leave such
		must(t, second.Publish())
		after, err := os.Stat(filepath.Join(dir, "out"))
		must(t, err)
		if !os.SameFile(before, after) {
			t.Error("the same parts were replaced")
		}
		must(t, os.Remove(filepath.Join(dir, "out", ".nfs01")))
		must(t, beginDir(t, to(dir), "a", "b").Publish()) // also one that began afterwards
		wantParts(t, dir, "a", "b")
	}
}

func TestDirectoryThatAppearedMeanwhileIsNotOverwritten(t *testing.T) {
	other := beginDir(t, dirTarget(t.TempDir()), "a", "c")
	must(t, other.Publish())
	out := func(dir string) string { return filepath.Join(dir, "out") }
	for name, make := range map[string]func(dir string) error{
		"empty":       func(dir string) error { return os.Mkdir(out(dir), 0o755) },
		"a file":      func(dir string) error { return os.WriteFile(out(dir), nil, 0o644) },
		"a link":      func(dir string) error { return os.Symlink("nowhere", out(dir)) },
		"other parts": func(dir string) error { return os.CopyFS(out(dir), os.DirFS(other.path)) },
		"a part less": func(dir string) error {
			must(t, beginDir(t, dirTarget(dir), "a", "b").Publish())
			return os.Remove(filepath.Join(out(dir), "part-00001"))
		},
		"a part more": func(dir string) error {
			must(t, beginDir(t, dirTarget(dir), "a", "b").Publish())
			return os.WriteFile(filepath.Join(out(dir), "part-00002"), nil, 0o644)
		},
		"a part of other bytes": func(dir string) error {
			must(t, beginDir(t, dirTarget(dir), "a", "b").Publish())
			return os.WriteFile(filepath.Join(out(dir), "part-00001"), []byte("x\t1\n"), 0o644)
		},
		"another list": func(dir string) error {
			must(t, beginDir(t, dirTarget(dir), "a", "b").Publish())
			return os.WriteFile(filepath.Join(out(dir), successName), nil, 0o644)
		},
		"no list": func(dir string) error {
			must(t, beginDir(t, dirTarget(dir), "a", "b").Publish())
			return os.Remove(filepath.Join(out(dir), successName))
		},
	} {
		dir := t.TempDir()
		p := beginDir(t, dirTarget(dir), "a", "b")
		must(t, make(dir))
		before := tree(t, out(dir))
		for range 2 {
			err := p.Publish()
			wantError(t, err, "publish "+out(dir)+": out exists: it appeared while the job ran; nothing was overwritten")
			if !mapreduce.IsPermanent(err) {
				t.Errorf("%s: another attempt would do no better", name)
			}
		}
		must(t, p.Discard())
		wantNames(t, dir, "out")
		if after := tree(t, out(dir)); after != before {
			t.Errorf("%s: %s, was %s", name, after, before)
		}
	}
}

// tree is all that is at a path.
func tree(t *testing.T, path string) string {
	t.Helper()
	var all strings.Builder
	must(t, filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		fmt.Fprint(&all, path, entry.Type(), " ")
		if err == nil && entry.Type().IsRegular() {
			var text []byte
			text, err = os.ReadFile(path)
			fmt.Fprintf(&all, "%q ", text)
		}
		return err
	}))
	return all.String()
}

func TestOneOfTwoRacingDirectoriesWins(t *testing.T) {
	for round := range 40 {
		dir := t.TempDir()
		same, force := round%2 == 0, round%4 > 1
		target := dirTarget(dir)
		target.Force = force
		contents := []string{"first", "other"}
		if same {
			contents[1] = contents[0]
		}
		var made [2]*Parts
		var errs [2]error
		var both sync.WaitGroup
		for i := range made {
			both.Go(func() {
				made[i], errs[i] = NewParts(PartsConfig{Target: target})
				if errs[i] == nil {
					errs[i] = errors.Join(made[i].Next(), made[i].Row([]byte(contents[i]), []byte("0")), made[i].Publish())
				}
			})
		}
		both.Wait()
		wins := 2
		for i, err := range errs {
			if made[i] == nil {
				t.Fatal(err)
			}
			if err != nil {
				wins--
				wantError(t, err, "nothing was overwritten")
			}
			must(t, made[i].Discard())
		}
		if wins != 2 && (same || force) || wins == 2 && !same && !force || wins == 0 {
			t.Fatalf("same %v, force %v: %v", same, force, errs)
		}
		text, err := os.ReadFile(filepath.Join(dir, "out", "part-00000"))
		must(t, err)
		if string(text) != contents[0]+"\t0\n" && string(text) != contents[1]+"\t0\n" {
			t.Errorf("%q", text)
		}
		wantNames(t, dir, "out")
	}
}

func TestForceExchangesDirectoriesAndKeepsTheMode(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	must(t, beginDir(t, dirTarget(dir), "old", "older", "oldest").Publish())
	must(t, os.Chmod(out, 0o750))
	must(t, Check(forcedDir(dir)))
	p := beginDir(t, forcedDir(dir), "new")
	if info, err := os.Stat(filepath.Join(out, "part-00002")); err != nil || info.Size() == 0 {
		t.Errorf("before Publish the old one is %v, %v", info, err)
	}
	must(t, p.Publish())
	wantParts(t, dir, "new")
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	must(t, os.RemoveAll(out))
	must(t, os.Mkdir(out, 0o755))
	must(t, beginDir(t, forcedDir(dir), "new").Publish())
	wantParts(t, dir, "new")
	must(t, os.RemoveAll(out))
	must(t, beginDir(t, forcedDir(dir), "a").Publish()) // nothing there
	wantParts(t, dir, "a")
}
