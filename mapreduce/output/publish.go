package output

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
)

// Publish makes the file appear at its target, whole, on disk and at one moment. When the target holds exactly these
// bytes already, that is success: another attempt of the same job was faster. Other bytes are replaced when the target
// says Force, and are a permanent error when not. A draft that could not be published may be tried again or discarded.
//
//	fsync ─▶ link to the target ─┬─▶ fsync the directory
//	             exists ─▶ same bytes? ─yes─┤
//	                           └─no, Force ─▶ link to a hidden name, rename
func (d *Draft) Publish() error {
	if d.done {
		return nil
	}
	if d.err != nil {
		return d.err
	}
	// After a failed fsync the system may forget what it could not write, and a second one would find nothing wrong.
	if err := d.file.Sync(); err != nil {
		d.err = fmt.Errorf("write %s: %w", d.path, cause(err))
		return d.err
	}
	if !d.placed {
		if err := d.appear(); err != nil {
			return fmt.Errorf("publish %s: %w", d.path, err)
		}
		d.placed = true
	}
	if err := errors.Join(d.removeTemp(), syncDir(filepath.Dir(d.at))); err != nil {
		return fmt.Errorf("publish %s: %w", d.path, err)
	}
	d.done = true
	return d.finish(errors.New("published already"))
}

func (d *Draft) appear() error {
	err := d.link(d.at)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	same, err := d.isAt(d.at)
	switch {
	case err != nil || same:
		return err
	case !d.force:
		return mapreduce.Permanentf("%s exists: it appeared while the job ran; nothing was overwritten", filepath.Base(d.path))
	}
	return d.replace()
}

// link gives the file a name that must not exist. The file stays under its hidden name as well, if it has one.
func (d *Draft) link(name string) error {
	if d.temp == "" {
		return linkUnnamed(d.file, name)
	}
	err := os.Link(d.temp, name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return cause(err)
	}
	// Some file systems have no hard links; most of them can rename without replacing.
	if renameNew(d.temp, name) == nil {
		d.temp = ""
		return nil
	}
	return cause(err)
}

// replace puts the file in the place of a regular one, with that one's permissions. A process that is killed between the
// link and the rename leaves the hidden name behind.
func (d *Draft) replace() error {
	info, err := os.Lstat(d.at)
	if err != nil {
		return cause(err)
	}
	if !info.Mode().IsRegular() {
		return irreplaceable(d.path)
	}
	// Best effort: some file systems have one mode for all files, and the output matters more.
	_ = d.file.Chmod(info.Mode().Perm())
	if d.temp == "" {
		hidden := d.hidden()
		if err := d.link(hidden); err != nil {
			return err
		}
		d.temp = hidden
	}
	if err := os.Rename(d.temp, d.at); err != nil {
		return cause(err)
	}
	d.temp = ""
	return nil
}

// isAt reports whether a regular file at path has the same bytes, and makes sure that they are on disk.
func (d *Draft) isAt(path string) (bool, error) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != d.size {
		return false, cause(err)
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) {
		return false, nil // ours could be read
	}
	if err != nil {
		return false, cause(err)
	}
	defer file.Close()
	hash := xxh3.New()
	if _, err := io.Copy(hash, file); err != nil {
		return false, cause(err)
	}
	if hash.Sum64() != d.hash.Sum64() {
		return false, nil
	}
	return true, cause(file.Sync())
}

// syncDir makes a name in a directory last. Directories that cannot be read or synced, as on some network file systems,
// give what they can.
func syncDir(dir string) error {
	open, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer open.Close()
	return syncOpen(open)
}

func syncOpen(dir *os.File) error {
	err := dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
