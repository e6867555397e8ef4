package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/internal/onejob"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
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
	cmd.Flags().StringVarP(&f.output, "output", "o", "output.csv", "with -f: result `FILE`, overwritten")
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
	for _, name := range []string{"server", "addr", "tcp"} {
		if cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s: with -f everything is on this machine, and the port's own", name)}
		}
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

// absolute makes the names good for all processes of the port, and refuses files that cannot be read or written.
func (f *oneJobFlags) absolute() (err error) {
	for _, name := range []*string{&f.file, &f.output} {
		if *name, err = filepath.Abs(*name); err != nil {
			return err
		}
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
	return f.checkOutput(info)
}

// checkOutput refuses where no result can be, before it is counted.
func (f *oneJobFlags) checkOutput(input os.FileInfo) error {
	if dir, err := os.Stat(filepath.Dir(f.output)); err != nil || !dir.IsDir() {
		return usageError{fmt.Errorf("-o %s: there is no such directory: make it first", f.output)}
	}
	info, err := os.Stat(f.output)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return usageError{fmt.Errorf("-o: %w", err)}
	case !info.Mode().IsRegular():
		return usageError{fmt.Errorf("-o %s: it is no file", f.output)}
	case os.SameFile(info, input):
		return usageError{fmt.Errorf("-o %s: that is the file to be counted", f.output)}
	}
	return nil
}

// oneJob serves a port until its job has ended, and says how.
func (f *coordinatorFlags) oneJob(ctx context.Context, terminal Terminal, set programs.Set, log *slog.Logger) error {
	program, err := set.Find("wordcount")
	if err != nil {
		return err
	}
	began := time.Now()
	end, err := f.servePort(ctx, onejob.Config{
		Began: began, File: f.one.file, Output: f.one.output, Blob: f.one.blob, Addr: net.JoinHostPort(loopback, strconv.Itoa(f.one.port)),
		Name: processName(hostName()), Memory: memoryBound(0), Scratch: os.TempDir(), Program: program, Log: log,
	})
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err := asDone(end, err); err != nil {
		return err
	}
	_, err = fmt.Fprintln(terminal.Err, summary(program, end, time.Since(began), f.one.output))
	return err
}

// servePort runs the job over a bus of the port's own, hosted by whichever of its processes has the lock.
func (f *coordinatorFlags) servePort(ctx context.Context, c onejob.Config) (end mapreduce.Status, err error) {
	dir, err := f.store.path()
	if err != nil {
		return end, err
	}
	keeper := bus.NewKeeper(bus.KeeperConfig{
		Store: filepath.Join(dir, "port-"+strconv.Itoa(f.one.port)), First: net.JoinHostPort(loopback, "0"), Private: true, Fence: f.fence, Log: c.Log,
	})
	err = beside(ctx, keeper.Run, func(ctx context.Context) error {
		url, err := keeper.URL(ctx)
		if err != nil {
			return err
		}
		connect := bus.ConnectConfig{URL: url, Name: "jetreduce coordinator", Log: c.Log}
		return use(ctx, connect, true, func(ctx context.Context, b *bus.Bus) error {
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
