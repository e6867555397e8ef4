package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Store is a directory that one process holds: its streams, and room for its scratch files.
//
//	DIR/
//	  lock        flocked by the holder; says what kind of store it is, and the holder's process id: "run 4711"
//	  jetstream/  the streams
//	  scratch/    spills and copies
//
// The lock belongs to the kernel: a killed holder has let go of it, and it is never stolen.
type Store struct {
	dir   string
	lock  *os.File
	fresh bool // made by this process
}

// ErrStoreInUse: another process holds the store.
var ErrStoreInUse = errors.New("in use")

const (
	lockName    = "lock"
	streamsName = "jetstream"
	scratchName = "scratch"
	guardName   = "guard" // in the directory above the stores of runs
)

// OpenStore makes the directory unless it is there, and locks it as the store of one run. A directory that holds
// anything else is refused: what a store holds is removed with it, and a nats-server's own directory looks much the same.
func OpenStore(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	_, err = os.Stat(dir)
	fresh := errors.Is(err, os.ErrNotExist)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open store: %w: name another directory with --store or XDG_CACHE_HOME", err)
	}
	if err := ours(dir); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	lock, err := takeLock(filepath.Join(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	s := &Store{dir, lock, fresh}
	if err := os.MkdirAll(s.Scratch(), 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), lock.Close())
	}
	return s, nil
}

// ours refuses a directory that is neither empty nor a run's store, which has a lock and nothing that no store has.
func ours(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	locked := false
	for _, e := range entries {
		switch e.Name() {
		case lockName:
			locked = true
		case streamsName, scratchName:
		default:
			return notOurs(dir, e.Name())
		}
	}
	if len(entries) > 0 && !locked {
		return notOurs(dir, entries[0].Name())
	}
	return nil
}

func notOurs(dir, entry string) error {
	return fmt.Errorf("%s is not the store of a run (it holds %s): name a directory that is empty or new", dir, entry)
}

// takeLock locks a file, and makes sure that the locked file is the one with that name: its last holder may have removed
// it in between.
func takeLock(path string) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			return nil, errors.Join(heldBy(file, err), file.Close())
		}
		if !named(file, path) {
			_ = file.Close()
			continue
		}
		if err := sign(file, path); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return file, nil
	}
}

// runMark begins the lock file of a run's store.
const runMark = "run "

var marked = regexp.MustCompile(`^` + runMark + `\d+\n?$`)

// sign writes who holds the lock, unless the file says that the store is of another kind.
func sign(file *os.File, path string) error {
	text, err := io.ReadAll(io.LimitReader(file, 64))
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	// The mark is written before anything else is made, so that an empty lock may only stand alone.
	if unmarked := len(text) == 0 && len(entries) == 1; !unmarked && !marked.Match(text) {
		return notOurs(filepath.Dir(path), fmt.Sprintf("a %s that says %q", lockName, text))
	}
	signature := runMark + strconv.Itoa(os.Getpid()) + "\n"
	_, err = file.WriteAt([]byte(signature), 0)
	return errors.Join(err, file.Truncate(int64(len(signature))))
}

func named(file *os.File, path string) bool {
	locked, err1 := file.Stat()
	standing, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(locked, standing)
}

// heldBy says who holds a lock, as far as the file tells.
func heldBy(file *os.File, cause error) error {
	if !errors.Is(cause, unix.EWOULDBLOCK) {
		return cause
	}
	holder := "another process"
	if text, err := io.ReadAll(io.LimitReader(file, 32)); err == nil && len(text) > 0 {
		holder = "process " + strings.TrimSpace(strings.TrimPrefix(string(text), runMark))
	}
	return fmt.Errorf("%w by %s: wait for it, or name another directory with --store", ErrStoreInUse, holder)
}

// Dir is the directory of the store.
func (s *Store) Dir() string { return s.dir }

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

const runPrefix = "run-"

// await locks a file that others lock for moments only. The kernel's own wait could not be cut short.
func await(ctx context.Context, file *os.File) error {
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		if err := wait(ctx, 10*time.Millisecond); err != nil {
			return context.Cause(ctx)
		}
	}
}

// NewRunStore sweeps parent, and makes a store of its own under it. Both happen under a lock on parent, or one run would
// sweep the store that another has made and not yet locked.
func NewRunStore(ctx context.Context, parent string) (*Store, int, error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, 0, fmt.Errorf("make store: %w: name another directory with --store or XDG_CACHE_HOME", err)
	}
	guard, err := os.OpenFile(filepath.Join(parent, guardName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("make store: %w: name another directory with --store or XDG_CACHE_HOME", err)
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
