package bus_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"jetreduce/bus"
)

func open(t *testing.T, dir string) *bus.Store {
	t.Helper()
	s, err := bus.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func remove(t *testing.T, s *bus.Store) {
	t.Helper()
	if err := s.Remove(); err != nil {
		t.Error(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestStoreHasOneHolderAndSaysWho(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s := open(t, dir)
	if _, err := bus.OpenStore(dir); !errors.Is(err, bus.ErrStoreInUse) {
		t.Errorf("a second holder: %v, want %v", err, bus.ErrStoreInUse)
	}
	remove(t, s)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory that it made is still there: %v", err)
	}
}

// What a store holds is removed with it, so nothing else may pass for one.
func TestOtherPeoplesDirectoriesAreNoStores(t *testing.T) {
	for name, files := range map[string][]string{
		"photos":             {"photo.jpg"},
		"a nats-server's":    {"jetstream/$G/streams/ORDERS/msgs/1.blk"},
		"scratch only":       {"scratch/x"},
		"photos in a store":  {"lock", "photo.jpg"},
		"another kind's":     {"lock", "jetstream/x"},
		"an unmarked locked": {"lock"},
		"a cache directory":  {"guard"},
	} {
		dir := t.TempDir()
		for _, file := range files {
			write(t, filepath.Join(dir, file), "precious")
		}
		if s, err := bus.OpenStore(dir); err == nil {
			t.Errorf("%s: taken for a store", name)
			remove(t, s)
		}
		for _, file := range files {
			if text, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(text) != "precious" {
				t.Errorf("%s: %s is %q: %v", name, file, text, err)
			}
		}
	}
}

func TestEmptyDirectoryServesAndStays(t *testing.T) {
	dir := t.TempDir()
	remove(t, open(t, dir))
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left %v: %v", entries, err)
	}
}

func TestSweepTakesWhatNobodyHoldsAndNothingElse(t *testing.T) {
	parent := t.TempDir()
	write(t, filepath.Join(parent, "run-dead", "lock"), "run 1")
	write(t, filepath.Join(parent, "run-dead", "jetstream", "x"), "x")
	write(t, filepath.Join(parent, "run-strange", "photo.jpg"), "precious")
	write(t, filepath.Join(parent, "other", "x"), "x")
	held := open(t, filepath.Join(parent, "run-held"))
	defer remove(t, held)
	s, swept, err := bus.NewRunStore(t.Context(), parent)
	if s == nil {
		t.Fatal(err)
	}
	defer remove(t, s)
	if swept != 1 || err == nil {
		t.Errorf("swept %d, %v; want one, and a word about the strange one", swept, err)
	}
	for name, want := range map[string]bool{"run-dead": false, "run-strange/photo.jpg": true, "other/x": true, "run-held/lock": true} {
		if _, err := os.Stat(filepath.Join(parent, name)); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", name, err == nil, want)
		}
	}
}

// Runs begin and end beside each other: none is swept while it is held, and none fails because another sweeps.
func TestRunsSideBySideDoNotSweepEachOther(t *testing.T) {
	parent := t.TempDir()
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			for range 8 {
				s, _, err := bus.NewRunStore(t.Context(), parent)
				if s == nil || err != nil {
					t.Error(err)
					return
				}
				mark := filepath.Join(s.Scratch(), "mark")
				if err := os.WriteFile(mark, nil, 0o600); err != nil {
					t.Error(err)
				}
				if _, err := os.Stat(mark); err != nil {
					t.Error(err)
				}
				if err := s.Remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	runs.Wait()
}

func TestEmptyLockIsOnlyTrustedAlone(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "lock"), "")
	remove(t, open(t, dir))
	write(t, filepath.Join(dir, "lock"), "")
	write(t, filepath.Join(dir, "jetstream", "x"), "precious")
	if s, err := bus.OpenStore(dir); err == nil {
		t.Error("taken for a store")
		remove(t, s)
	}
}
