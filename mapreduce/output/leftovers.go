package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// sweep removes the hidden directories that killed processes have left beside the target. The lock on a file inside tells those from what
// somebody is writing; where it does not tell, or there is anything else inside, they stay.
func (s *dirSpot) sweep() {
	var names []string
	_ = s.list(".", func(entry fs.DirEntry) error {
		if rest, found := strings.CutPrefix(entry.Name(), hiddenPrefix(s.name)); found && len(rest) == 16 && entry.IsDir() {
			names = append(names, entry.Name())
		}
		return nil
	}) // whoever cannot list a directory cannot tidy it
	for _, name := range names {
		_ = s.sweepOne(name)
	}
}

// sweepOne takes a leftover away before it removes it: should its lock have told nothing, then its writer finds it gone, and cannot
// publish what is left of it.
func (s *dirSpot) sweepOne(name string) error {
	dir, err := s.parent.OpenRoot(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	file, err := dir.OpenFile(successName, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := errors.Join(lock(file), s.replaceable(name)); err != nil {
		return err
	}
	away := s.newHidden()
	if err := s.parent.Rename(name, away); err != nil {
		return err
	}
	return s.remove(away)
}

// remove removes a directory of parts, and nothing else: what is no part stays, and the directory with it. The file with the
// lock goes last.
func (s *dirSpot) remove(name string) error {
	err := s.replaceable(name)
	if err == nil {
		err = cause(s.removeParts(name))
	}
	if err == nil {
		err = cause(s.parent.Remove(name))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove temporary output: %w", err)
	}
	return nil
}

func (s *dirSpot) removeParts(name string) error {
	var names []string
	if err := s.list(name, func(entry fs.DirEntry) error {
		if isOurs(entry) && entry.Name() != successName {
			names = append(names, entry.Name())
		}
		return nil
	}); err != nil {
		return err
	}
	dir, err := s.parent.OpenRoot(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	for _, name := range append(names, successName) {
		if err := dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// lock takes the lock on a file, unless somebody has it.
func lock(file *os.File) error { return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// held reports whether somebody else has the lock.
func held(err error) bool { return errors.Is(err, unix.EWOULDBLOCK) }

// renameLooked renames to a name that does not exist when it looks. What comes there after that it does not replace, but for an empty
// directory.
func renameLooked(parent *os.Root, from, to string) error {
	if _, err := parent.Lstat(to); err == nil {
		return fs.ErrExist
	}
	err := parent.Rename(from, to)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.ENOTDIR) {
		return fs.ErrExist
	}
	return err
}

// exchangeInSteps is exchange where that is no single step: for a moment nothing has the name b, and a process that is killed then leaves
// what had it under a hidden name that no sweep touches.
func exchangeInSteps(parent *os.Root, a, b string) error {
	aside := a + "-replaced"
	if err := parent.Rename(b, aside); err != nil {
		return err
	}
	if err := parent.Rename(a, b); err != nil {
		return errors.Join(err, parent.Rename(aside, b))
	}
	return parent.Rename(aside, a)
}

// syncDirOf makes the names in a directory last, as syncDir does.
func syncDirOf(root *os.Root) error {
	dir, err := root.Open(".")
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	return syncOpen(dir)
}
