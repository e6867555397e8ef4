package output

import (
	"bytes"
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

// Flush says that there are no more rows: all parts and their list are on disk when it returns. It may be called again.
func (p *Parts) Flush() error {
	if p.text != nil || p.err != nil {
		return p.err
	}
	if err := p.end(); err != nil {
		return err
	}
	if err := p.syncs.Wait(); err != nil {
		return p.fail("part-*", err)
	}
	text, err := p.listed.seal()
	if err != nil {
		return p.fail(successName, err)
	}
	if _, err := p.success.Write(text); err != nil {
		return p.fail(successName, err)
	}
	if err := errors.Join(p.success.Sync(), syncDirOf(p.dir)); err != nil {
		return p.fail(successName, err)
	}
	p.text = text
	return nil
}

// Digest is that of the names and bytes of all parts, once they are flushed.
func (p *Parts) Digest() mapreduce.Digest { return p.listed.Digest }

// Publish makes the directory appear at its target, whole, on disk and at one moment. When the target holds exactly these parts already,
// that is success: another attempt of the same job was faster. Other parts are replaced when the target says Force, and are a permanent
// error when not; anything but parts is never replaced. What could not be published may be tried again or discarded.
//
//	fsync all ─▶ rename, if there is nothing ─┬─▶ fsync the parent ─▶ remove what is hidden
//	                   exists ─▶ same parts? ─yes─┤
//	                                └─no, Force ─▶ exchange the two
func (p *Parts) Publish() error {
	if p.done {
		return nil
	}
	if err := p.Flush(); err != nil {
		return err
	}
	if !p.placed {
		if err := p.appear(); err != nil {
			return fmt.Errorf("publish %s: %w", p.path, err)
		}
		p.placed = true
	}
	if err := syncDirOf(p.parent); err != nil {
		return fmt.Errorf("publish %s: %w", p.path, cause(err))
	}
	p.done = true
	_ = p.finish("published already") // the result stands; what it has replaced is hidden, and is swept by the next
	return nil
}

func (p *Parts) appear() error {
	err := renameDir(p.parent, p.hidden, p.name)
	if !errors.Is(err, fs.ErrExist) {
		return cause(err)
	}
	same, err := p.isThere()
	switch {
	case err != nil || same:
		return err
	case !p.force:
		return mapreduce.Permanentf("%s exists: it appeared while the job ran; nothing was overwritten", filepath.Base(p.path))
	}
	return p.replace()
}

// replace puts the directory in the place of another, which it hides, with that one's permissions.
func (p *Parts) replace() error {
	info, err := p.parent.Lstat(p.name)
	if err != nil {
		return cause(err)
	}
	if err := p.check(true); err != nil {
		return err
	}
	return p.swap(info.Mode().Perm())
}

func (p *Parts) swap(mode fs.FileMode) error {
	if err := exchange(p.parent, p.hidden, p.name); err != nil {
		return cause(err)
	}
	// What came in at the last moment shows only now that nobody finds the old one by its name.
	if err := p.replaceable(p.hidden); err != nil {
		return errors.Join(err, cause(exchange(p.parent, p.hidden, p.name)))
	}
	_ = p.parent.Chmod(p.name, mode) // best effort, as for files
	return nil
}

// isThere reports whether the target is a directory of exactly these parts.
func (p *Parts) isThere() (bool, error) {
	info, err := p.parent.Lstat(p.name)
	if err != nil || !info.IsDir() {
		return false, cause(err)
	}
	dir, err := p.parent.OpenRoot(p.name)
	if err != nil {
		return false, unreadable(err)
	}
	defer dir.Close()
	names := 0
	err = p.list(p.name, func(entry fs.DirEntry) error {
		if entry.Name()[0] != '.' { // some systems leave hidden files wherever they look
			names++
		}
		return nil
	})
	if err != nil || names != len(p.listed.Parts)+1 {
		return false, unreadable(err)
	}
	if listed, err := p.lists(dir); err != nil || !listed {
		return false, err
	}
	return p.holds(dir)
}

// lists reports whether the list in a directory is this one.
func (p *Parts) lists(dir *os.Root) (bool, error) {
	file, err := openRegular(dir, successName, int64(len(p.text)))
	if err != nil || file == nil {
		return false, unreadable(err)
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	return err == nil && bytes.Equal(text, p.text), cause(err)
}

// holds reports whether the parts of a directory have the bytes that its list says.
func (p *Parts) holds(dir *os.Root) (bool, error) {
	for _, part := range p.listed.Parts {
		file, err := openRegular(dir, part.Name, part.Bytes)
		if err != nil || file == nil {
			return false, unreadable(err)
		}
		hash := xxh3.New()
		_, err = io.Copy(hash, file)
		if err = errors.Join(err, file.Close()); err != nil || hash.Sum64() != uint64(part.Digest) {
			return false, cause(err)
		}
	}
	return true, nil
}

// openRegular opens a regular file of that size; nil: there is none.
func openRegular(dir *os.Root, name string, size int64) (*os.File, error) {
	info, err := dir.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || info.Size() != size) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// unreadable is the error of reading what is there, unless it may not be read: ours could.
func unreadable(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return cause(err)
}

// Discard ends the directory and leaves nothing of it; after Publish it does nothing.
func (p *Parts) Discard() error { return p.finish("discarded") }

// finish closes and removes what is hidden, and gives the reason to whoever wants to go on writing.
func (p *Parts) finish(reason string) error {
	if p.parent == nil {
		return nil
	}
	if p.err == nil {
		p.err = fmt.Errorf("write %s: %s", p.path, reason)
	}
	_ = p.syncs.Wait() // what was lost is not wanted any more, or has been told
	if p.part != nil {
		_ = p.part.file.Close()
	}
	err := p.remove(p.hidden)
	if p.success != nil {
		err = errors.Join(err, p.success.Close())
	}
	if p.dir != nil {
		err = errors.Join(err, p.dir.Close())
	}
	err = errors.Join(err, p.parent.Close())
	p.parent = nil
	return err
}
