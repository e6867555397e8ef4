package worker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// kept is what stands in a worker's own directory, and nothing else of it may stand in the scratch directory.
func (w *Worker) kept(t *testing.T) (names []string) {
	t.Helper()
	if scratch, err := os.ReadDir(w.Scratch); err != nil || len(scratch) > 1 {
		t.Errorf("in the scratch directory are %v, %v", scratch, err)
	}
	entries, err := os.ReadDir(w.workshop.dir)
	if err != nil {
		t.Error(err)
	}
	for _, entry := range entries {
		if entry.Name() != workshopLock {
			names = append(names, entry.Name())
		}
	}
	return names
}

func TestWorkerThatEndsLeavesNothingInTheScratchDirectory(t *testing.T) {
	s := newSurroundings()
	var stop func()
	w, task := shipping(t, s, func(context.Context) error {
		stop()
		return nil
	}, map[string]string{"map.py": "print(1)"})
	s.deliveries <- delivery(task)
	ctx, cancel := context.WithCancel(t.Context())
	stop = cancel
	w.NoIO = true
	if err := w.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(w.Scratch); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A killed worker's locks are gone, and its directory is not. Whoever lives, and whatever is no worker's, stays.
func TestWhatAKilledWorkerHasLeftIsRemovedByTheNext(t *testing.T) {
	scratch := t.TempDir()
	var killed, living, next workshop
	for _, s := range []*workshop{&killed, &living} {
		if _, err := s.in(scratch); err != nil {
			t.Fatal(err)
		}
	}
	want := append(strangers(t, scratch), living.dir)
	sub := filepath.Join(killed.dir, "attempt-1", "sub")
	if err := errors.Join(os.MkdirAll(sub, 0o700), os.WriteFile(filepath.Join(sub, "x"), nil, 0o400), killed.lock.Close()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is there
		if _, err := next.in(scratch); err != nil {
			t.Fatal(err)
		}
	}
	var left []string
	entries, _ := os.ReadDir(scratch)
	for _, entry := range entries {
		left = append(left, filepath.Join(scratch, entry.Name()))
	}
	want = append(want, next.dir)
	if slices.Sort(want); !slices.Equal(left, want) {
		t.Errorf("there are %v, want %v", left, want)
	}
	if err := errors.Join(living.close(), next.close(), next.close()); err != nil {
		t.Error(err)
	}
}

// strangers makes what is called like a worker's directory, and is none.
func strangers(t *testing.T, scratch string) (paths []string) {
	t.Helper()
	for _, name := range []string{"mine", "link", "file"} {
		paths = append(paths, filepath.Join(scratch, workshopPrefix+name))
	}
	target := filepath.Join(scratch, "target")
	err := errors.Join(
		os.Mkdir(target, 0o700), os.WriteFile(filepath.Join(target, workshopLock), nil, 0o600),
		os.Mkdir(paths[0], 0o700), os.Symlink(target, paths[1]), os.WriteFile(paths[2], nil, 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	return append(paths, target)
}
