package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// ErrStoreInUse: another process holds the store.
var ErrStoreInUse = errors.New("in use")

// takeLock locks a store's lock file, and makes sure that the locked file is the one with that name: its last holder may
// have removed it in between.
func (k kind) takeLock(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, k.unusable(dir, err)
		}
		if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			return nil, errors.Join(k.heldBy(dir, err), file.Close())
		}
		if !named(file, path) {
			_ = file.Close()
			continue
		}
		if err := k.sign(file, dir); err != nil {
			return nil, errors.Join(fmt.Errorf("open store: %w", err), file.Close())
		}
		return file, nil
	}
}

// sign writes who holds the lock, unless the file says that the store is of another kind.
func (k kind) sign(file *os.File, dir string) error {
	text, err := io.ReadAll(io.LimitReader(file, 64))
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	// The mark is written before anything else is made, so that an empty lock may only stand alone.
	if unmarked := len(text) == 0 && len(k.own(entries)) == 1; !unmarked {
		if err := k.accept(dir, text); err != nil {
			return err
		}
	}
	signature := k.mark + " " + strconv.Itoa(os.Getpid()) + "\n"
	_, err = file.WriteAt([]byte(signature), 0)
	return errors.Join(err, file.Truncate(int64(len(signature))))
}

func named(file *os.File, path string) bool {
	locked, err1 := file.Stat()
	standing, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(locked, standing)
}

// heldBy says who holds a lock, as far as its file tells.
func (k kind) heldBy(dir string, cause error) error {
	if !errors.Is(cause, unix.EWOULDBLOCK) {
		return k.unusable(dir, cause)
	}
	who := "another process"
	if pid, err := holder(dir); err == nil {
		who = fmt.Sprintf("process %d", pid)
	}
	return fmt.Errorf("open store %s: %w by %s: wait for it, or name another directory with %s", dir, ErrStoreInUse, who, k.choice)
}

// holder returns the process that last signed a store's lock. It still lives if the lock is busy, but for the moment in
// which the next one has locked and not yet signed.
func holder(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, lockName))
	if err != nil {
		return 0, err
	}
	found := signed.FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("%s says %q", filepath.Join(dir, lockName), text)
	}
	return strconv.Atoi(string(found[3]))
}

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
