package bus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// evict kills the process that holds a store's lock: what users ask for as --fence-host. The number in the lock file is not enough to kill for: it may be a
// dead holder's that somebody else got since, or one of another container that shares the directory. So the process
// must, before our eyes, have the lock file open, and the lock must be busy.
func evict(dir string, pid int) error {
	if pid <= 1 || pid == os.Getpid() {
		return fmt.Errorf("pid %d is not one to kill: it holds %s from another container", pid, dir)
	}
	process, err := os.FindProcess(pid) // a handle of this process, not of the next with its number
	if err != nil {
		return err
	}
	defer func() { _ = process.Release() }()
	path := filepath.Join(dir, lockName)
	if now, err := holder(dir); err != nil || now != pid || !locked(path) {
		return errors.Join(err, fmt.Errorf("pid %d no longer holds %s", pid, path))
	}
	if err := hasOpen(pid, path); err != nil {
		return err
	}
	return process.Kill()
}

// locked reports whether somebody holds a lock.
func locked(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	return errors.Is(unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// hasOpen returns an error unless a process has a file open. Where the system does not show that, as macOS does not, the
// number is believed: there are no containers either.
func hasOpen(pid int, path string) error {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		return nil
	}
	file, err := os.Stat(path)
	if err != nil {
		return err
	}
	open := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(open)
	if err != nil {
		return fmt.Errorf("see what pid %d has open: %w", pid, err)
	}
	for _, e := range entries {
		if found, err := os.Stat(filepath.Join(open, e.Name())); err == nil && os.SameFile(file, found) {
			return nil
		}
	}
	return fmt.Errorf("pid %d does not have %s open: its holder is of another container", pid, path)
}
