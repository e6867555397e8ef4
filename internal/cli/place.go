package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"jetreduce/bus"
	"jetreduce/mapreduce/output"
)

// place decides where the result goes, and refuses what cannot be written before any work is done.
func (r *jobRun) place() error {
	name := r.flags.output
	if name == "-" {
		r.stream = true
		return nil
	}
	if name == "" {
		return usageError{errors.New("--output names no file")}
	}
	if strings.HasSuffix(name, "/") {
		return usageError{fmt.Errorf("--output %s: a directory of parts is not supported yet: name a file", name)}
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	if r.flags.format == "" {
		r.job.Output.Format = string(output.FormatFor(path))
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		r.stream = true // a device or a pipe: written to, not replaced
		return nil
	}
	r.job.Output.To = output.URL(path)
	return output.Check(r.job.Output)
}

// openStore opens the store that was asked for, else one under the cache directory. What killed runs left there is swept.
func openStore(dir string, log *slog.Logger) (*bus.Store, error) {
	if dir != "" {
		store, err := bus.OpenStore(dir)
		if err != nil {
			return nil, err
		}
		return store, store.Clear()
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(os.TempDir(), fmt.Sprintf("cache-%d", os.Getuid()))
	}
	store, swept, err := bus.NewRunStore(filepath.Join(cache, "jetreduce"))
	if swept > 0 {
		log.Info("swept the stores of killed runs", "count", swept)
	}
	if store != nil && err != nil {
		log.Warn("a killed run's store could not be swept", "cause", err)
		err = nil
	}
	return store, err
}

// carry makes the inputs ones that can be read twice and in pieces: what is no file or directory (standard input, a
// pipe) is copied into the store first.
func (r *jobRun) carry(ctx context.Context, store *bus.Store) error {
	r.job.Inputs = nil
	for i, name := range r.inputs {
		path, err := r.carryOne(ctx, store, i, name)
		if err != nil {
			return err
		}
		r.job.Inputs = append(r.job.Inputs, path)
	}
	if err := r.job.Validate(); err != nil {
		return usageError{err}
	}
	return nil
}

func (r *jobRun) carryOne(ctx context.Context, store *bus.Store, i int, name string) (string, error) {
	if name == "-" {
		if file, ok := r.terminal.In.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
			fmt.Fprintln(r.terminal.Err, "jetreduce: reading standard input; end it with Ctrl-D")
		}
		return spool(ctx, store, i, "standard input", r.terminal.In)
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
		return path, nil // what is wrong with it, the plan says
	}
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("input %s: %w", name, err)
	}
	defer file.Close()
	return spool(ctx, store, i, name, file)
}

// absolute makes a path or glob absolute. A glob's directory is taken literally.
func absolute(name string) (string, error) {
	path, err := filepath.Abs(name)
	if err != nil || filepath.IsAbs(name) || !strings.ContainsAny(name, "*?[") {
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

// spool copies a stream into the store. Ctrl-C ends it, also while it waits for more.
func spool(ctx context.Context, store *bus.Store, i int, name string, from io.Reader) (string, error) {
	path := filepath.Join(store.Scratch(), fmt.Sprintf("input-%d", i))
	file, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("carry %s: %w", name, err)
	}
	copied := make(chan error, 1)
	go func() { // it may outlive an interrupt: a read of a terminal or a pipe cannot be cut short
		_, err := bufio.NewReaderSize(from, 1<<20).WriteTo(file)
		copied <- errors.Join(err, file.Close())
	}()
	select {
	case err = <-copied:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("carry %s: %w", name, err)
	}
	return path, nil
}
