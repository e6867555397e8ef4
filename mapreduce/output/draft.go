package output

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
)

// Draft is an output file in the making: nobody sees it before Publish. Where the system can, it has no name until then,
// so that a killed process leaves nothing behind; elsewhere it is a hidden file beside the target.
//
// It is not safe for concurrent use. Publish or Discard ends it.
type Draft struct {
	spot   // the target
	force  bool
	file   *os.File // nil: ended
	temp   string   // the hidden file's path; empty: it has no name
	hash   *xxh3.Hasher
	size   int64
	err    error // the first one: what a draft lost, it must not publish
	placed bool  // it stands at the target, perhaps not yet for good
	done   bool  // published
}

// NewDraft begins the file of a target. What is there already is no error yet: it may be this very output, published by
// another attempt.
func NewDraft(target mapreduce.Target) (*Draft, error) { return newDraft(target, openUnnamed) }

func newDraft(target mapreduce.Target, open func(dir string) (*os.File, error)) (*Draft, error) {
	path, _, err := place(target)
	if err != nil {
		return nil, err
	}
	return beginAt(spot{path: path, at: path}, target.Force, open)
}

func newDraftOf(at spot, file *os.File) *Draft { return &Draft{spot: at, file: file, hash: xxh3.New()} }

// beginAt makes the file. Whatever keeps one from being made without a name, one with a name may still do; if not, its error
// tells.
func beginAt(at spot, force bool, open func(dir string) (*os.File, error)) (*Draft, error) {
	file, err := open(filepath.Dir(at.at))
	draft := newDraftOf(at, file)
	draft.force = force
	if err == nil {
		return draft, nil
	}
	draft.temp = draft.hidden()
	draft.file, err = os.OpenFile(draft.temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("write %s: choose another directory, %s takes no files: %w", at.path, filepath.Dir(at.path), cause(err))
	}
	return draft, nil
}

// hidden is a name beside the target that nobody else has.
func (d *Draft) hidden() string {
	dir, name := filepath.Split(d.at)
	return filepath.Join(dir, hiddenPrefix(name)+fmt.Sprintf("%016x", rand.Uint64()))
}

// hiddenPrefix is what the hidden names begin with of what will have that name; 16 digits follow.
func hiddenPrefix(name string) string {
	const longest = 200 // file systems take 255 bytes at most, and the rest of the name needs some
	for len(name) > longest {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return "." + name + ".jetreduce-"
}

// Write appends to the file. An error is final: such a draft can only be discarded.
func (d *Draft) Write(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.file.Write(p)
	_, _ = d.hash.Write(p[:n]) // never fails
	d.size += int64(n)
	if err != nil {
		d.err = fmt.Errorf("write %s: %w", d.path, cause(err))
	}
	return n, d.err
}

// Digest is that of the bytes written so far.
func (d *Draft) Digest() mapreduce.Digest { return mapreduce.Digest(d.hash.Sum64()) }

// ReadAt reads what was written.
func (d *Draft) ReadAt(p []byte, offset int64) (int, error) { return d.file.ReadAt(p, offset) }

// Size is the number of bytes written so far.
func (d *Draft) Size() int64 { return d.size }

// Path is where Publish puts the file.
func (d *Draft) Path() string { return d.path }

// Discard ends the draft and leaves nothing of it; after Publish it does nothing.
func (d *Draft) Discard() error {
	return d.finish(errors.New("discarded"))
}

// finish closes the file, and gives the reason to whoever wants to go on writing.
func (d *Draft) finish(reason error) error {
	if d.file == nil {
		return nil
	}
	if d.err == nil {
		d.err = fmt.Errorf("write %s: %w", d.path, reason)
	}
	err := errors.Join(d.file.Close(), d.removeTemp())
	d.file = nil
	if d.dir != nil {
		err = errors.Join(err, d.dir.Close())
	}
	return err
}

func (d *Draft) removeTemp() error {
	if d.temp == "" {
		return nil
	}
	if err := os.Remove(d.temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove temporary output: %w", err)
	}
	d.temp = ""
	return nil
}
