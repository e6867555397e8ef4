package input

import (
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"jetreduce/mapreduce"
)

// outsideError says that a path leads out of the root that it names.
type outsideError string

func (root outsideError) Error() string { return "outside of this worker's --root " + string(root) }

// Unwrap: what is out of reach here may be within another worker's root.
func (root outsideError) Unwrap() error { return mapreduce.ErrAbsent }

const maxLinks = 40 // as Linux has it

// resolution is the way from the root along a path, link by link.
type resolution struct {
	disk  disk
	done  []string // parts below the root, no links among them
	rest  []string // parts still to go
	links int
}

// resolve gives the path below the root, without links, that leads to where path does. The last link is followed only
// when asked for.
func (d disk) resolve(path string, follow bool) (string, error) {
	rest, err := d.below(path)
	if err != nil {
		return "", err
	}
	r := resolution{disk: d, rest: rest}
	for len(r.rest) > 0 {
		if err := r.step(follow); err != nil {
			return "", err
		}
	}
	return r.at(), nil
}

func (r *resolution) at() string { return filepath.Join(append([]string{"."}, r.done...)...) }

// step goes one part on. Whatever has parts behind it, be it only a slash, must be a directory.
func (r *resolution) step(follow bool) error {
	part := r.rest[0]
	r.rest = r.rest[1:]
	switch part {
	case "", ".":
		return nil
	case "..":
		if len(r.done) == 0 {
			return outsideError(r.disk.dir)
		}
		r.done = r.done[:len(r.done)-1]
		return nil
	}
	r.done = append(r.done, part)
	info, err := r.disk.root.Lstat(r.at())
	switch {
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0 && (follow || len(r.rest) > 0):
		return r.follow()
	case !info.IsDir() && len(r.rest) > 0:
		return syscall.ENOTDIR
	}
	return nil
}

// follow puts what the link says in its place.
func (r *resolution) follow() error {
	if r.links++; r.links > maxLinks {
		return syscall.ELOOP
	}
	target, err := r.disk.root.Readlink(r.at())
	if err != nil {
		return err
	}
	r.done = r.done[:len(r.done)-1]
	parts := strings.Split(target, "/")
	if filepath.IsAbs(target) {
		if parts, err = r.disk.below(target); err != nil {
			return err
		}
		r.done = nil
	}
	r.rest = append(parts[:len(parts):len(parts)], r.rest...)
	return nil
}

// below gives the parts of an absolute path behind those of the root, by either of its names.
func (d disk) below(path string) ([]string, error) {
	parts := strings.Split(path, "/")
	for _, root := range []string{d.dir, d.real} {
		if rest, inside := behind(parts, strings.FieldsFunc(root, slash)); inside {
			return rest, nil
		}
	}
	return nil, outsideError(d.dir)
}

func slash(r rune) bool { return r == '/' }

// behind cuts the parts of a root off the parts of a path.
func behind(parts, root []string) ([]string, bool) {
	for _, want := range root {
		for len(parts) > 0 && (parts[0] == "" || parts[0] == ".") {
			parts = parts[1:]
		}
		if len(parts) == 0 || parts[0] != want {
			return nil, false
		}
		parts = parts[1:]
	}
	return parts, true
}
