package bus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Store is the store of one run: its streams, and room for its scratch files. It is removed at the end of the run, and
// swept by a later one when its holder was killed.
type Store struct{ hold }

const (
	runMark     = "run" // begins the lock file of a run's store
	scratchName = "scratch"
	guardName   = "guard" // in the directory above the stores of runs
	runPrefix   = "run-"  // of their directories
	runChoice   = "--store or XDG_CACHE_HOME"
)

var runStore = kind{of: "a run", mark: runMark, entries: []string{streamsName, scratchName}, choice: runChoice}

// OpenStore makes the directory unless it is there, and locks it as the store of one run.
func OpenStore(dir string) (*Store, error) {
	held, err := runStore.take(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{held}
	if err := os.MkdirAll(s.Scratch(), 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), s.lock.Close())
	}
	return s, nil
}

// Scratch is where the holder may put files of its own.
func (s *Store) Scratch() string { return filepath.Join(s.dir, scratchName) }

// Clear removes what an earlier holder left behind.
func (s *Store) Clear() error {
	return errors.Join(os.RemoveAll(filepath.Join(s.dir, streamsName)), os.RemoveAll(s.Scratch()),
		os.MkdirAll(s.Scratch(), 0o700))
}

// Remove empties the store and lets go of it; a directory that OpenStore made is removed too. The lock goes last, so
// that nobody finds half a store free.
func (s *Store) Remove() error {
	err := errors.Join(os.RemoveAll(filepath.Join(s.dir, streamsName)), os.RemoveAll(s.Scratch()),
		os.Remove(filepath.Join(s.dir, lockName)))
	if s.fresh {
		err = errors.Join(err, removeDir(s.dir))
	}
	return errors.Join(err, s.lock.Close())
}

// removeDir removes an empty directory. Somebody may have come to sweep it since its lock was gone, and does the rest.
func removeDir(dir string) error {
	err := os.Remove(dir)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTEMPTY) {
		return nil
	}
	return err
}

// Sweep removes the stores under parent whose holders were killed, and leaves alone what is locked and what it does not
// know. It returns how many it removed.
func Sweep(parent string) (int, error) {
	entries, err := os.ReadDir(parent)
	swept := 0
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), runPrefix) {
			continue
		}
		s, openErr := OpenStore(filepath.Join(parent, entry.Name()))
		switch {
		case errors.Is(openErr, ErrStoreInUse), errors.Is(openErr, os.ErrNotExist): // or its holder has just removed it
		case openErr != nil:
			err = errors.Join(err, openErr)
		default:
			s.fresh = true // nobody else will want its directory
			err = errors.Join(err, s.Remove())
			swept++
		}
	}
	return swept, err
}

// NewRunStore sweeps parent, and makes a store of its own under it. Both happen under a lock on parent, or one run would
// sweep the store that another has made and not yet locked.
func NewRunStore(ctx context.Context, parent string) (*Store, int, error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, 0, fmt.Errorf("make store: %w: name another directory with %s", err, runChoice)
	}
	guard, err := os.OpenFile(filepath.Join(parent, guardName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("make store: %w: name another directory with %s", err, runChoice)
	}
	defer guard.Close()
	if err := await(ctx, guard); err != nil {
		return nil, 0, fmt.Errorf("lock %s, which another run holds while it cleans up: %w", parent, err)
	}
	swept, sweepErr := Sweep(parent)
	dir, err := os.MkdirTemp(parent, runPrefix)
	if err != nil {
		return nil, swept, fmt.Errorf("make store: %w", err)
	}
	s, err := OpenStore(dir)
	if err != nil {
		return nil, swept, err
	}
	s.fresh = true
	return s, swept, sweepErr
}
