package output

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"jetreduce/mapreduce"
)

// URL is how a target names the file at an absolute path.
func URL(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// Path is the absolute path of the file or directory that a target names.
func Path(target mapreduce.Target) (string, error) {
	to, err := url.Parse(target.To)
	switch {
	case err != nil:
		return "", mapreduce.Permanentf("read output target: %w", err)
	case to.Scheme != "file":
		return "", mapreduce.Permanentf("output %q: scheme %q is not known here: use file:///path", target.To, to.Scheme)
	case to.Host != "" && to.Host != "localhost":
		return "", mapreduce.Permanentf("output %q: files of host %q are out of reach: use file:///path", target.To, to.Host)
	case !strings.HasPrefix(to.Path, "/") || to.RawQuery != "" || to.Fragment != "":
		return "", mapreduce.Permanentf("output %q: use file:///path, with ? as %%3F and # as %%23", target.To)
	case strings.HasSuffix(to.Path, "/") && target.Kind() != mapreduce.ToDir:
		return "", mapreduce.Permanentf("output %s is a directory: name a file in it", to.Path)
	case filepath.Clean(to.Path) == "/":
		return "", mapreduce.Permanentf("output %q: name a file or a directory that is to be made", target.To)
	}
	return filepath.Clean(to.Path), nil
}

// Check refuses a target before a job starts for what would fail it at its end, and says what to do: another scheme, a
// directory that is not there or takes no files, something there that must not be replaced. It proves nothing about the
// time when the job ends: Publish looks again.
func Check(target mapreduce.Target) error { return check(target, openUnnamed) }

func check(target mapreduce.Target, open func(dir string) (*os.File, error)) error {
	if _, err := ParseFormat(target.Format); err != nil {
		return mapreduce.Permanent(err)
	}
	if _, err := ParseOrder(target.Order); err != nil {
		return mapreduce.Permanent(err)
	}
	if _, err := target.Packing(); err != nil {
		return err
	}
	if target.Kind() == mapreduce.ToDir {
		return checkDir(target)
	}
	path, exists, err := place(target)
	if err != nil {
		return err
	}
	if exists && !target.Force {
		return taken(path)
	}
	trial, err := newDraft(target, open) // only a file that was made proves that one can be
	if err != nil {
		return err
	}
	return trial.Discard()
}

// place is where the target's file goes, and whether a regular file is there. A symbolic link to one that may be replaced
// is followed, so that the link stays.
func place(target mapreduce.Target) (path string, exists bool, err error) {
	if path, err = Path(target); err != nil {
		return "", false, err
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return "", false, noDirectory(path, err)
	}
	switch info, err := lookAt(path); {
	case errors.Is(err, errDangling):
		return "", false, mapreduce.Permanentf("%s is a symbolic link to nothing: remove it or choose another name", path)
	case errors.Is(err, fs.ErrNotExist):
		return path, false, nil
	case errors.Is(err, syscall.ENAMETOOLONG):
		return "", false, mapreduce.Permanentf("write %s: choose a shorter name: %w", path, cause(err))
	case err != nil:
		return "", false, fmt.Errorf("write %s: %w", path, cause(err))
	case info.IsDir():
		return "", false, mapreduce.Permanentf("%s is a directory: name a file in it", path)
	case !info.Mode().IsRegular():
		return "", false, irreplaceable(path)
	}
	if !target.Force {
		return path, true, nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", false, fmt.Errorf("write %s: %w", path, cause(err))
	}
	return real, true, nil
}

var errDangling = errors.New("a symbolic link to nothing")

// lookAt is what a path names, or what the symbolic link leads to that it names. The name is looked at first: others may make the same file
// meanwhile, which is no link.
func lookAt(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return info, err
	}
	if info, err = os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, errDangling
	}
	return info, err
}

func taken(path string) error {
	return mapreduce.Permanentf("%s exists: choose another name or add --force", path)
}

func noDirectory(path string, err error) error {
	dir := filepath.Dir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("write %s: make the directory first (mkdir -p %s) or choose another: %w", path, dir, cause(err))
	case err == nil || errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("write %s: %s is no directory: choose another: %w", path, dir, syscall.ENOTDIR)
	}
	return fmt.Errorf("write %s: choose another directory: %w", path, cause(err))
}

func irreplaceable(path string) error {
	return mapreduce.Permanentf("%s is there and is no regular file: only a regular file can be replaced", path)
}

// cause is a file error without the operation and the path that package os puts around it: messages here name the target
// instead, not some temporary name.
func cause(err error) error {
	var inPath *fs.PathError
	var inLink *os.LinkError
	switch {
	case errors.As(err, &inPath):
		return inPath.Err
	case errors.As(err, &inLink):
		return inLink.Err
	}
	return err
}
