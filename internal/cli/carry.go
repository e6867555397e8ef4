package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"jetreduce/bus"
	"jetreduce/mapreduce/input"
)

// carry makes the inputs ones that can be read twice and in pieces: what is no file or directory (standard input, a
// pipe) is copied into the store first.
func (r *jobRun) carry(ctx context.Context, store *bus.Store) error {
	r.job.Inputs = nil
	length := 0
	for i, name := range r.inputs {
		path, err := r.carryOne(ctx, store, i, name)
		if err != nil {
			return err
		}
		r.job.Inputs = append(r.job.Inputs, path)
		length += len(path)
	}
	if length > longNames {
		list, err := input.WriteList(filepath.Join(store.Scratch(), "inputs"), r.job.Inputs)
		if err != nil {
			return err
		}
		r.job.Inputs = []string{list}
	}
	if err := r.job.Validate(); err != nil {
		return usageError{err}
	}
	return nil
}

// longNames is how many bytes of names may stand in a job's description; more are named by a list.
const longNames = 8 << 10

func (r *jobRun) carryOne(ctx context.Context, store *bus.Store, i int, name string) (string, error) {
	if name == "-" {
		if file, ok := r.terminal.In.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
			fmt.Fprintln(r.terminal.Err, "jetreduce: reading standard input; end it with Ctrl-D")
		}
		return spool(ctx, store, i, source{"standard input", func() (io.Reader, error) { return r.terminal.In, nil }})
	}
	if strings.Contains(name, "://") {
		return name, nil
	}
	path, err := absolute(name)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().IsRegular() || info.IsDir() || info.Mode()&os.ModeSocket != 0 {
		return asText(path), nil // what is wrong with it, the plan says
	}
	return spool(ctx, store, i, source{name, func() (io.Reader, error) { return os.Open(path) }})
}

// asText is a name of a path that survives in a message: messages are text, and paths are bytes.
func asText(path string) string {
	if utf8.ValidString(path) {
		return path
	}
	return "file://" + (&url.URL{Path: path}).EscapedPath()
}

// absolute makes a path or glob absolute. A glob's directory is taken literally.
func absolute(name string) (string, error) {
	path, err := filepath.Abs(name)
	if err != nil || filepath.IsAbs(name) {
		return path, err
	}
	if _, err := os.Lstat(path); err == nil {
		return path, nil // a literal name wins over a glob
	}
	here, err := filepath.Abs(".")
	if err != nil {
		return "", err
	}
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)
	return filepath.Join(escape.Replace(here), name), nil
}

// source is something that can be read once.
type source struct {
	name string
	open func() (io.Reader, error)
}

// spool copies a source into the store.
func spool(ctx context.Context, store *bus.Store, i int, from source) (string, error) {
	path := filepath.Join(store.Scratch(), fmt.Sprintf("input-%d", i))
	file, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("carry %s: %w", from.name, err)
	}
	err = unlessCut(ctx, func() error {
		reader, err := from.open()
		if err == nil {
			_, err = bufio.NewReaderSize(reader, 1<<20).WriteTo(file)
		}
		return errors.Join(err, file.Close())
	})
	if err != nil {
		return "", fmt.Errorf("carry %s: %w", from.name, err)
	}
	return asText(path), nil
}

// unlessCut does something that cannot be cut short (opening a pipe, reading a terminal) and returns early when ctx ends:
// the process is about to end then, and takes what still waits with it.
func unlessCut(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
