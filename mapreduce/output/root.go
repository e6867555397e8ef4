package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"jetreduce/mapreduce"
)

// NewDraftUnder is NewDraft for a target that somebody else named: it must lie under the directory root ("": anywhere).
//
// On Linux nothing outside is made, replaced or read, whatever is renamed or linked meanwhile: the target's directory is
// opened by os.Root, which follows no link out of the root (and no absolute one), and all that comes after goes by that
// descriptor. The target's own name is not followed: a symbolic link there is refused. Elsewhere the same is looked at
// once, and a directory that is replaced by a link afterwards is not noticed.
func NewDraftUnder(root string, target mapreduce.Target) (*Draft, error) {
	if root == "" {
		return NewDraft(target)
	}
	spot, err := spotUnder(root, target)
	if err != nil {
		return nil, err
	}
	draft, err := beginAt(spot, target.Force, openUnnamed)
	if err != nil {
		return nil, errors.Join(err, spot.dir.Close())
	}
	return draft, nil
}

// Vacant refuses a target where something stands that must not be replaced, before any work is done. Whatever else is wrong
// with it, or comes to be, a draft says.
func Vacant(root string, target mapreduce.Target) error {
	if _, err := target.Packing(); err != nil {
		return err
	}
	switch target.Kind() {
	case mapreduce.ToDir:
		return vacantDir(root, target)
	case mapreduce.ToFile:
		if !target.Force {
			return vacantFile(root, target)
		}
	}
	return nil
}

func vacantFile(root string, target mapreduce.Target) error {
	path, err := Path(target)
	if err != nil {
		return err
	}
	at := path
	if root != "" {
		spot, err := spotUnder(root, target)
		if err != nil {
			return err
		}
		defer spot.dir.Close()
		at = spot.at
	}
	if info, err := os.Lstat(at); err == nil && info.Mode().IsRegular() {
		return taken(path)
	}
	return nil
}

// spot is where a file goes.
type spot struct {
	path string   // as users know it
	at   string   // as the system is told
	dir  *os.File // what at leads through, or nil
}

func spotUnder(root string, target mapreduce.Target) (spot, error) {
	path, err := Path(target)
	if err != nil {
		return spot{}, err
	}
	inside, err := below(root, path)
	if err != nil {
		return spot{}, err
	}
	open, err := os.OpenRoot(root)
	if err != nil {
		return spot{}, fmt.Errorf("open root %s: %w", root, cause(err))
	}
	defer open.Close()
	dir, err := open.OpenFile(filepath.Dir(inside), os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return spot{}, noDirectory(path, err)
	}
	s := spot{path, behind(dir, path), dir}
	if err := s.check(); err != nil {
		return spot{}, errors.Join(err, dir.Close())
	}
	return s, nil
}

// below is a path without its root, by either of the root's names.
func below(root, path string) (string, error) {
	names := []string{root}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		names = append(names, real)
	}
	for _, name := range names {
		absolute, err := filepath.Abs(name)
		if err != nil {
			return "", fmt.Errorf("open root %s: %w", root, err)
		}
		if inside, found := strings.CutPrefix(path, strings.TrimSuffix(absolute, "/")+"/"); found {
			return inside, nil
		}
	}
	return "", mapreduce.Permanentf("output %s: outside of this worker's --root %s", path, root)
}

// check refuses what no regular file may replace. Whether one is there, and may be replaced, Publish sees.
func (s spot) check() error {
	info, err := os.Lstat(s.at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.ENAMETOOLONG):
		return mapreduce.Permanentf("write %s: choose a shorter name: %w", s.path, cause(err))
	case err != nil:
		return fmt.Errorf("write %s: %w", s.path, cause(err))
	case info.Mode()&fs.ModeSymlink != 0:
		return mapreduce.Permanentf("%s is a symbolic link, which a worker with --root does not follow: choose another name", s.path)
	case info.IsDir():
		return mapreduce.Permanentf("%s is a directory: name a file in it", s.path)
	case !info.Mode().IsRegular():
		return irreplaceable(s.path)
	}
	return nil
}

// NewScratchDraft begins a file that is read and never published: what goes elsewhere. It has no name.
func NewScratchDraft(dir string) (*Draft, error) {
	file, err := openUnnamed(dir)
	if err != nil {
		if file, err = os.CreateTemp(dir, "result-"); err == nil {
			err = os.Remove(file.Name())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("make a file in %s: %w", dir, cause(err))
	}
	return newDraftOf(spot{path: "result", at: "result"}, file), nil
}
