package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/internal/onejob"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/programs"
)

// oneJobFlags are those of `jetreduce coordinator` as the original system had them: one file, one port.
type oneJobFlags struct {
	file, output string
	blob, port   int
}

const loopback = "127.0.0.1"

func (f *oneJobFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "count the words of `FILE` with original workers, then exit")
	cmd.Flags().StringVarP(&f.output, "output", "o", "output.csv", "with -f: result `FILE`, overwritten; - is standard output")
	cmd.Flags().IntVarP(&f.blob, "blob", "b", 1024, "with -f: `CHARACTERS` that a worker is given at a time")
	cmd.Flags().IntVarP(&f.port, "port", "p", 8765, "with -f: where workers connect, on "+loopback)
}

// check refuses what cannot be meant.
func (f *oneJobFlags) check(cmd *cobra.Command) error {
	if f.file == "" && !cmd.Flags().Changed("file") {
		for _, name := range []string{"output", "blob", "port"} {
			if cmd.Flags().Changed(name) {
				return usageError{fmt.Errorf("--%s goes with -f FILE", name)}
			}
		}
		return nil
	}
	if name := changedBut(cmd, "file", "output", "blob", "port", "store", "fence-host", "log"); name != "" {
		return usageError{fmt.Errorf("--%s: %s: leave it out, or -f", name, whyNotOneJob(name))}
	}
	switch {
	case f.file == "":
		return usageError{errors.New("-f names no file")}
	case f.blob < 1 || f.blob > mapreduce.MaxBlob:
		return usageError{fmt.Errorf("-b %d: use 1 to %d characters", f.blob, mapreduce.MaxBlob)}
	case f.port < 1 || f.port > 65535:
		return usageError{fmt.Errorf("-p %d: use 1 to 65535", f.port)}
	case f.output == "":
		return usageError{errors.New("-o names no file")}
	}
	return f.absolute()
}

// whyNotOneJob is why a flag of a coordinator says nothing to one of a single file.
func whyNotOneJob(name string) string {
	switch {
	case name == "exec":
		return "with -f words are counted, and no command is run"
	case strings.HasPrefix(name, "keep"):
		return "with -f nothing is kept of a job that has ended"
	case strings.HasPrefix(name, "http"):
		return "a coordinator of one file has no page"
	}
	return "with -f everything is on this machine, and the port's own"
}

// absolute makes the names good for all processes of the port, and refuses files that cannot be read or written.
func (f *oneJobFlags) absolute() (err error) {
	if f.file, err = filepath.Abs(f.file); err != nil {
		return err
	}
	file, err := os.Open(f.file)
	if err != nil {
		return usageError{fmt.Errorf("-f: %w", err)}
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	if err != nil {
		return usageError{fmt.Errorf("-f %s: %w", f.file, err)}
	}
	if f.output == "-" {
		return nil
	}
	if f.output, err = filepath.Abs(f.output); err != nil {
		return err
	}
	return f.checkOutput(info)
}

// checkOutput refuses where no result can be, before it is counted.
func (f *oneJobFlags) checkOutput(input os.FileInfo) error {
	if dir, err := os.Stat(filepath.Dir(f.output)); err != nil || !dir.IsDir() {
		return usageError{fmt.Errorf("-o %s: there is no such directory: make it first", f.output)}
	}
	info, err := os.Stat(f.output)
	switch {
	case errors.Is(err, os.ErrNotExist): // it may be a link to nothing
	case err != nil:
		return usageError{fmt.Errorf("-o: %w", err)}
	case !info.Mode().IsRegular():
		return usageError{fmt.Errorf("-o %s: it is no file", f.output)}
	case os.SameFile(info, input):
		return usageError{fmt.Errorf("-o %s: that is the file to be counted", f.output)}
	}
	return output.Check(f.target())
}

// target is the result file.
func (f *oneJobFlags) target() mapreduce.Target {
	return mapreduce.Target{To: output.URL(f.output), Format: "csv", Order: output.Original, Force: true}
}

// addr is where workers connect.
func (f *oneJobFlags) addr() string { return net.JoinHostPort(loopback, strconv.Itoa(f.port)) }

// tryPort finds out whether this user may listen there, before a bus is started. Whoever has the port now, is waited for later.
func (f *oneJobFlags) tryPort(listen func(network, addr string) (net.Listener, error)) error {
	listener, err := listen("tcp", f.addr())
	switch {
	case err == nil:
		return listener.Close()
	case errors.Is(err, syscall.EADDRINUSE):
		return nil
	case errors.Is(err, os.ErrPermission):
		return usageError{fmt.Errorf("-p %d: this user may not listen there: use a port from 1024 up: %w", f.port, err)}
	}
	return fmt.Errorf("-p %d: %w", f.port, err)
}

// write takes a result to where this process was told to: a file appears whole, in the place of what was there, or not at all.
func (f *oneJobFlags) write(terminal Terminal, result io.Reader) error {
	if f.output == "-" {
		return stream(terminal, f.output, result)
	}
	return publish(f.target(), func() (io.ReadCloser, error) { return io.NopCloser(result), nil })
}

// oneJob serves a port until its job has ended, and says how.
func (f *coordinatorFlags) oneJob(ctx context.Context, terminal Terminal, set programs.Set, log *slog.Logger) error {
	program, err := set.Find("wordcount")
	if err != nil {
		return err
	}
	if err := f.one.tryPort(net.Listen); err != nil {
		return err
	}
	end, err := f.servePort(ctx, onejob.Config{
		File: f.one.file, Blob: f.one.blob, Addr: f.one.addr(),
		Write: func(result io.Reader) error { return f.one.write(terminal, result) },
		Began: time.Now(), Name: processName(hostName()), Memory: memoryBound(0), Scratch: os.TempDir(), Program: program, Log: log,
	})
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err := asDone(end, err); err != nil {
		return err
	}
	return f.one.sumUp(terminal, program, end)
}

// sumUp says what was counted and how long that took: not this process, which may have begun in the middle, but the job.
func (f *oneJobFlags) sumUp(terminal Terminal, program mapreduce.Program, end mapreduce.Status) error {
	_, err := fmt.Fprintln(terminal.Err, summary(program, end, end.Ended.Sub(end.Since), f.output))
	return err
}

// servePort runs the job over a bus of the port's own, hosted by whichever of its processes has the lock.
func (f *coordinatorFlags) servePort(ctx context.Context, c onejob.Config) (end mapreduce.Status, err error) {
	dir, err := f.store.path()
	if err != nil {
		return end, err
	}
	store := filepath.Join(dir, bus.PortStores, strconv.Itoa(f.one.port))
	c.Claim = store + ".listens" // beside it: in the store of a bus nothing else may be
	if err := os.MkdirAll(filepath.Dir(store), 0o700); err != nil {
		return end, fmt.Errorf("make store: %w: name another directory with --store or JETREDUCE_STORE", err)
	}
	keeper := bus.NewKeeper(bus.KeeperConfig{
		Store: store, First: net.JoinHostPort(loopback, "0"), Private: true, Fence: f.fence, Log: c.Log,
	})
	err = beside(ctx, keeper.Run, func(ctx context.Context) error {
		url, err := keeper.URL(ctx)
		if err != nil {
			return err
		}
		return use(ctx, busAt{}.at(url).as("jetreduce coordinator", c.Log), true, func(ctx context.Context, b *bus.Bus) error {
			end, err = onejob.Run(ctx, b, c)
			return err
		})
	})
	return end, err
}

// peers serves workers of the original protocol at an address, for all jobs that they can work on, while this process leads.
func (f *coordinatorFlags) peers(b *bus.Bus, set programs.Set, log *slog.Logger) (func(ctx context.Context), error) {
	if f.tcp == "" {
		return nil, nil
	}
	program, err := set.Find("wordcount")
	if err != nil {
		return nil, err
	}
	p := roles.Peers{Bus: b, Log: log, Memory: memoryBound(0), Scratch: os.TempDir(), Program: program}
	publisher := roles.Worker{ // so that original workers are enough
		Bus: b, Log: log, Memory: memoryBound(0), Scratch: os.TempDir(), Host: hostName(), Programs: set.Find,
	}
	return func(ctx context.Context) {
		var publishing sync.WaitGroup
		defer publishing.Wait()
		publishing.Go(func() {
			if err := publisher.Run(ctx); err != nil && ctx.Err() == nil {
				log.Warn("plans and results are for other workers now", "cause", err)
			}
		})
		p.Serve(ctx, f.tcp)
	}, nil
}
