package input

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// walk lists the files that one input stands for. It lists each once: what a link leads to is left out where the walk
// lists it anyway, so that `latest.log -> app.log` is not counted twice and a loop of links ends. Hard links are files of
// their own.
//
// Links are followed after everything else has been seen, so that a file goes by its own name where it has one here.
type walk struct {
	disk        disk
	files       map[string]string // real path → path as listed
	directories map[string]bool   // real paths of those entered
	links       []string          // met, not yet followed
}

// filesUnder lists the files that the roots are or hold, in the order of their paths' bytes.
func (d disk) filesUnder(ctx context.Context, roots []string) ([]string, error) {
	w := walk{disk: d, files: map[string]string{}, directories: map[string]bool{}}
	for _, root := range roots {
		if err := w.begin(ctx, root); err != nil {
			return nil, err
		}
	}
	for len(w.links) > 0 {
		link := w.links[0]
		w.links = w.links[1:]
		if err := w.follow(ctx, link); err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Values(w.files)), nil
}

// begin starts at a root. A root that is a link waits like all links: it may lead to another root of the same glob.
func (w *walk) begin(ctx context.Context, root string) error {
	info, err := w.disk.lstat(root)
	if err != nil {
		return refuse(root, err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		w.links = append(w.links, root)
		return nil
	}
	real, err := w.disk.realPath(root)
	if err != nil {
		return refuse(root, err)
	}
	return w.visit(ctx, root, real, info.Mode())
}

func (w *walk) visit(ctx context.Context, path, real string, mode fs.FileMode) error {
	switch {
	case mode&fs.ModeSymlink != 0:
		w.links = append(w.links, path)
	case mode.IsDir():
		return w.enter(ctx, path, real)
	default: // pipes and the like too: they are refused by name when they are opened
		if _, listed := w.files[real]; !listed {
			w.files[real] = path
		}
	}
	return nil
}

// enter goes through a directory, once, by whatever path it is reached first: that is what ends loops.
func (w *walk) enter(ctx context.Context, path, real string) error {
	if w.directories[real] {
		return nil
	}
	w.directories[real] = true
	entries, err := w.disk.readDir(path)
	if err != nil {
		return refuse(path, err)
	}
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := entry.Name()
		if ofAnOutput(name) {
			continue
		}
		if err := w.visit(ctx, filepath.Join(path, name), filepath.Join(real, name), entry.Type()); err != nil {
			return err
		}
	}
	return nil
}

// successName marks a directory of parts that is whole: no data.
const successName = "_SUCCESS"

// ofAnOutput reports whether a name in a directory is of what a job leaves beside its rows: the mark, or a result in the making.
func ofAnOutput(name string) bool {
	return name == successName || strings.HasPrefix(name, ".") && strings.Contains(name, ".jetreduce-")
}

// follow goes where a link leads; one that leads nowhere is refused, for it may have been meant to be read.
func (w *walk) follow(ctx context.Context, link string) error {
	real, err := w.disk.realPath(link)
	if err != nil {
		return refuse(link, fmt.Errorf("follow the link: %w", cause(err)))
	}
	info, err := w.disk.stat(real)
	if err != nil {
		return refuse(link, fmt.Errorf("follow the link: %w", cause(err)))
	}
	return w.visit(ctx, link, real, info.Mode())
}
