package input

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// disk is the files that may be read: all of this machine, or those under a root.
//
// Under a root every path is first resolved here, link by link, and what comes of it, a path without links, is opened by
// os.Root, which leaves the root for no link that was swapped in meanwhile. The first alone would be a check before the
// use; the second alone would refuse absolute links that stay inside. What is mounted under the root belongs to it.
type disk struct {
	root *os.Root // nil: all files
	dir  string   // its absolute path
	real string   // the same without links
}

// openDisk opens what is under a root; "" is all files.
func openDisk(root string) (disk, error) {
	if root == "" {
		return disk{}, nil
	}
	dir, err := filepath.Abs(root)
	if err != nil {
		return disk{}, fmt.Errorf("open root %s: %w", root, err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return disk{}, fmt.Errorf("open root %s: %w", root, cause(err))
	}
	open, err := os.OpenRoot(dir)
	if err != nil {
		return disk{}, fmt.Errorf("open root %s: %w", root, cause(err))
	}
	return disk{open, dir, real}, nil
}

func (d disk) close() error {
	if d.root == nil {
		return nil
	}
	return d.root.Close()
}

// absolute is where a path leads that an input names. A relative one comes from elsewhere, where no directory of ours is
// the current one: it is taken from the root.
func (d disk) absolute(path string) string {
	if d.root == nil || filepath.IsAbs(path) || path == "" {
		return path
	}
	return d.dir + "/" + path // not cleaned: a ".." behind a link leads elsewhere than its absence would
}

func (d disk) stat(path string) (fs.FileInfo, error) {
	if d.root == nil {
		return os.Stat(path)
	}
	inside, err := d.resolve(path, true)
	if err != nil {
		return nil, err
	}
	return d.root.Stat(inside)
}

func (d disk) lstat(path string) (fs.FileInfo, error) {
	if d.root == nil {
		return os.Lstat(path)
	}
	inside, err := d.resolve(path, false)
	if err != nil {
		return nil, err
	}
	return d.root.Lstat(inside)
}

// open opens for reading, and waits for nothing.
func (d disk) open(path string) (*os.File, error) {
	if d.root == nil {
		return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}
	inside, err := d.resolve(path, true)
	if err != nil {
		return nil, err
	}
	return d.openResolved(inside)
}

func (d disk) openResolved(inside string) (*os.File, error) {
	return d.root.OpenFile(inside, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// readDir lists a directory, ordered by name.
func (d disk) readDir(path string) ([]os.DirEntry, error) {
	if d.root == nil {
		return os.ReadDir(path)
	}
	dir, err := d.open(path)
	if err != nil {
		return nil, err
	}
	entries, err := dir.ReadDir(-1)
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, errors.Join(err, dir.Close())
}

func (d disk) readFile(path string) ([]byte, error) {
	if d.root == nil {
		return os.ReadFile(path)
	}
	file, err := d.open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(file)
	return data, errors.Join(err, file.Close())
}

// realPath is the one absolute path without links that leads to where path does.
func (d disk) realPath(path string) (string, error) {
	if d.root == nil {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			return "", err
		}
		return filepath.Abs(real)
	}
	inside, err := d.resolve(path, true)
	if err != nil {
		return "", err
	}
	return filepath.Join(d.dir, inside), nil
}
