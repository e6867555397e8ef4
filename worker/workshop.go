package worker

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// workshop is a worker's own directory in the scratch directory. In it stands what needs a name: the files of jobs, and the directories of
// attempts. A worker that is killed leaves it behind; nobody holds the lock in it then, and who makes the next one removes it.
//
//	scratch/jetreduce-worker-…/lock
//	                           job-…/words.py ◀── link ── attempt-…/words.py
type workshop struct {
	mu   sync.Mutex
	dir  string // absolute; "": there is none
	lock *os.File
}

const (
	workshopPrefix = "jetreduce-worker-"
	unlockedPrefix = "jetreduce-new-worker-" // until it is locked: so that nobody takes it for one that was left behind
	workshopLock   = "lock"
)

// in is the workshop, made when it is first needed.
func (s *workshop) in(scratch string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != "" {
		return s.dir, nil
	}
	sweepWorkshops(scratch)
	if err := s.open(scratch); err != nil {
		return "", fmt.Errorf("make a directory for files of jobs and attempts: %w", err)
	}
	return s.dir, nil
}

func (s *workshop) open(scratch string) error {
	dir, err := os.MkdirTemp(scratch, unlockedPrefix)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(dir, workshopLock), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	_ = locked(lock) // where there are no locks, nobody gets this one, and nothing is swept
	final := filepath.Join(filepath.Dir(dir), workshopPrefix+strings.TrimPrefix(filepath.Base(dir), unlockedPrefix))
	if err := os.Rename(dir, final); err != nil {
		return errors.Join(err, lock.Close(), os.RemoveAll(dir))
	}
	s.dir, s.lock = final, lock
	return nil
}

// close removes the workshop with all that is in it.
func (s *workshop) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		return nil
	}
	err := errors.Join(removeTree(s.dir), s.lock.Close())
	s.dir, s.lock = "", nil
	return err
}

// sweepWorkshops removes those of this user that killed workers have left behind. What it cannot tell or remove, stays.
func sweepWorkshops(scratch string) {
	scratch = cmp.Or(scratch, os.TempDir())
	entries, _ := os.ReadDir(scratch)
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), workshopPrefix) || !entry.IsDir() {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			continue
		}
		if owner, known := info.Sys().(*syscall.Stat_t); known && int(owner.Uid) == os.Getuid() {
			sweepWorkshop(filepath.Join(scratch, entry.Name()))
		}
	}
}

func sweepWorkshop(dir string) {
	lock, err := os.OpenFile(filepath.Join(dir, workshopLock), os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer lock.Close()
	if locked(lock) == nil {
		_ = removeTree(dir)
	}
}

// locked takes the lock on a file, unless somebody has it.
func locked(file *os.File) error { return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
