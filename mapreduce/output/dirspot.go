package output

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"

	"jetreduce/mapreduce"
)

// dirSpot is where a directory goes: a name in a directory that is open. All goes by that, so that it leads nowhere else
// whatever is renamed or linked meanwhile.
type dirSpot struct {
	path   string // as users know it
	parent *os.Root
	name   string
}

// dirSpotUnder opens what the target's directory is in, under a root unless that is empty, and refuses what no directory may replace.
// Without a root a symbolic link to a directory that may be replaced is followed, so that the link stays.
func dirSpotUnder(root string, target mapreduce.Target) (*dirSpot, error) {
	path, err := Path(target)
	if err != nil {
		return nil, err
	}
	at := path
	if real, err := filepath.EvalSymlinks(path); err == nil && root == "" && target.Force {
		at = real
	}
	parent, err := parentUnder(root, path, at)
	if err != nil {
		return nil, err
	}
	spot := &dirSpot{path, parent, filepath.Base(at)}
	if err := spot.check(target.Force); err != nil {
		return nil, errors.Join(err, parent.Close())
	}
	return spot, nil
}

// parentUnder opens the directory that at is in, or, with a root, that path is in and nothing outside of the root.
func parentUnder(root, path, at string) (*os.Root, error) {
	outer, inside := filepath.Dir(at), "."
	if root != "" {
		below, err := below(root, path)
		if err != nil {
			return nil, err
		}
		outer, inside = root, filepath.Dir(below)
	}
	if info, err := os.Stat(outer); err != nil || !info.IsDir() { // first: whoever opens a FIFO waits
		return nil, noDirectory(path, err)
	}
	open, err := os.OpenRoot(outer)
	if err != nil {
		return nil, noDirectory(path, err)
	}
	defer open.Close()
	if info, err := open.Stat(inside); err != nil || !info.IsDir() {
		return nil, noDirectory(path, err)
	}
	parent, err := open.OpenRoot(inside)
	if err != nil {
		return nil, noDirectory(path, err)
	}
	return parent, nil
}

// check refuses what no directory may replace.
func (s *dirSpot) check(force bool) error {
	info, err := s.parent.Lstat(s.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.ENAMETOOLONG):
		return mapreduce.Permanentf("write %s: choose a shorter name: %w", s.path, cause(err))
	case err != nil:
		return fmt.Errorf("write %s: %w", s.path, cause(err))
	case info.Mode()&fs.ModeSymlink != 0:
		return mapreduce.Permanentf("%s is a symbolic link: name the directory that it leads to, or choose another name", s.path)
	case info.Mode().IsRegular():
		return mapreduce.Permanentf("%s is a file: leave out the slash behind its name, or choose another for the directory", s.path)
	case !info.IsDir():
		return mapreduce.Permanentf("%s is there and is no directory: only a directory of parts can be replaced", s.path)
	case force:
		return s.replaceable(s.name)
	}
	return nil
}

// exists reports whether anything has the name.
func (s *dirSpot) exists() bool {
	_, err := s.parent.Lstat(s.name)
	return err == nil
}

// replaceable refuses a directory, under whatever name, that holds more than a job leaves: nothing of anybody else's is removed.
func (s *dirSpot) replaceable(name string) error {
	return s.list(name, func(entry fs.DirEntry) error {
		if isOurs(entry) {
			return nil
		}
		return mapreduce.Permanentf("%s holds %q, which is no part of a result: nothing was replaced: move it away or choose another name",
			s.path, entry.Name())
	})
}

func isOurs(entry fs.DirEntry) bool {
	return entry.Type().IsRegular() && (entry.Name() == successName || isPartName(entry.Name()))
}

// list calls yield for each entry of a directory in the parent.
func (s *dirSpot) list(name string, yield func(fs.DirEntry) error) error {
	dir, err := s.parent.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("list %s: %w", s.path, cause(err))
	}
	defer dir.Close()
	for {
		entries, err := dir.ReadDir(1000)
		for _, entry := range entries {
			if err := yield(entry); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list %s: %w", s.path, cause(err))
		}
	}
}

// newHidden is a name beside the directory that nobody else has.
func (s *dirSpot) newHidden() string {
	return fmt.Sprintf("%s%016x", hiddenPrefix(s.name), rand.Uint64())
}

// vacantDir refuses a target where something stands that must not be replaced.
func vacantDir(root string, target mapreduce.Target) error {
	spot, err := dirSpotUnder(root, target)
	if err != nil {
		if mapreduce.IsPermanent(err) {
			return err
		}
		return nil
	}
	defer spot.parent.Close()
	if spot.exists() && !target.Force {
		return taken(spot.path)
	}
	return nil
}

// checkDir refuses what would fail a directory at its end.
func checkDir(target mapreduce.Target) error {
	trial, err := prepareParts("", target)
	if err != nil {
		return err
	}
	if trial.exists() && !target.Force {
		return errors.Join(taken(trial.path), trial.Discard())
	}
	return errors.Join(trial.begin(), trial.Discard()) // only a directory that was made proves that one can be
}
