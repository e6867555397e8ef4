package input

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// hasMeta reports whether a name may mean others than itself.
func hasMeta(name string) bool { return strings.ContainsAny(name, `*?[\`) }

// glob lists what matches a pattern in the syntax of filepath.Match. It is not filepath.Glob, which takes a directory
// that it may not read for an empty one: here that is an error.
func (d disk) glob(ctx context.Context, pattern string) ([]string, error) {
	base, rest, err := d.start(pattern)
	if err != nil {
		return nil, refuse(pattern, err)
	}
	found := []string{base}
	for _, part := range parts(rest) {
		var deeper []string
		for _, base := range found {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			matches, err := d.matchesIn(base, part)
			if err != nil {
				return nil, refuse(pattern, err)
			}
			deeper = append(deeper, matches...)
		}
		found = deeper
	}
	return found, nil
}

// start is where a pattern's walk begins: not above the root, which it could not list.
func (d disk) start(pattern string) (base, rest string, err error) {
	if d.root != nil {
		behind, err := d.below(pattern)
		return d.dir, strings.Join(behind, "/"), err
	}
	if strings.HasPrefix(pattern, "/") {
		return "/", pattern, nil
	}
	return "", pattern, nil
}

// parts splits a pattern at its slashes. A slash at the end asks for directories, which is what a last "." does.
func parts(pattern string) []string {
	if strings.HasSuffix(pattern, "/") {
		pattern += "."
	}
	return strings.FieldsFunc(pattern, func(r rune) bool { return r == '/' })
}

// matchesIn lists what in the directory base matches one part of a pattern; nothing when base is no directory.
func (d disk) matchesIn(base, part string) ([]string, error) {
	if !hasMeta(part) {
		path := under(base, part)
		if _, err := d.lstat(path); err != nil {
			return nil, unlessAbsent(err)
		}
		return []string{path}, nil
	}
	entries, err := d.entriesOf(base)
	if err != nil {
		return nil, err
	}
	var matches []string
	for _, entry := range entries {
		match, err := filepath.Match(part, entry.Name())
		if err != nil {
			return nil, err
		}
		if match {
			matches = append(matches, under(base, entry.Name()))
		}
	}
	return matches, nil
}

// entriesOf lists a directory; nothing when base is none, for a pattern asks what there is and does not claim that it is.
func (d disk) entriesOf(base string) ([]os.DirEntry, error) {
	if base == "" {
		base = "."
	}
	// Asked before it is opened, which would wait if it were a pipe.
	if info, err := d.stat(base); err != nil || !info.IsDir() {
		return nil, unlessAbsent(err)
	}
	return d.readDir(base)
}

// under joins without cleaning: a ".." behind a link leads elsewhere than its absence would.
func under(base, name string) string {
	if base == "" || base == "/" {
		return base + name
	}
	return base + "/" + name
}

func unlessAbsent(err error) error {
	if absent(err) {
		return nil
	}
	return err
}
