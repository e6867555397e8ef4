package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// workerFlags are those of `jetreduce worker`.
type workerFlags struct {
	daemon  daemonFlags
	server  serverFlag
	slots   int
	memory  size
	root    string
	scratch string
	exec    bool

	original originalFlags
}

func newWorker(terminal Terminal, set programs.Set) *cobra.Command {
	var f workerFlags
	cmd := &cobra.Command{
		Use: "worker", Short: "Pull tasks and run them", Args: noArgs,
		Long: "Pull tasks and run them, any number of workers on any number of machines. Told to stop (SIGTERM), a worker\n" +
			"hands back what it has not finished.",
		Example: "  jetreduce worker\n  jetreduce worker --id 3 --hostname localhost --port 8765",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			log, err := f.daemon.logger(terminal.Err)
			if err != nil {
				return err
			}
			meant, err := f.original.meant(cmd)
			if err == nil && meant {
				err = f.original.run(ctx, set, log)
			} else if err == nil {
				err = f.run(ctx, set, log)
			}
			return untilStopped(ctx, err)
		},
	}
	f.original.register(cmd)
	f.server.register(cmd, "nats://"+bus.DefaultAddr)
	cmd.Flags().IntVar(&f.slots, "slots", runtime.GOMAXPROCS(0), "map and reduce tasks at a time")
	cmd.Flags().Var(&f.memory, "memory", "memory bound for sorting and grouping, in all (a quarter of the machine's)")
	cmd.Flags().StringVar(&f.root, "root", "/", "the one `DIR`ectory in which jobs may read and write files")
	cmd.Flags().BoolVar(&f.exec, "allow-exec", false, "run the commands that jobs name: whoever may submit jobs may run anything here")
	cmd.Flags().StringVar(&f.scratch, "scratch", os.TempDir(), "`DIR`ectory for what does not fit into memory")
	f.daemon.register(cmd)
	return cmd
}

func (f *workerFlags) run(ctx context.Context, set programs.Set, log *slog.Logger) error {
	if err := f.check(); err != nil {
		return err
	}
	url, err := f.server.orDefault()
	if err != nil {
		return err
	}
	return use(ctx, bus.ConnectConfig{URL: url, Name: "jetreduce worker", Log: log}, false, func(ctx context.Context, b *bus.Bus) error {
		also, err := f.also(set)
		if err != nil {
			return err
		}
		memory := memoryBound(f.memory)
		keepWithin(memory, f.slots)
		w := roles.Worker{
			Bus: b, Log: log, Slots: f.slots, Memory: memory, Scratch: f.scratch, Root: f.root, Host: hostName(),
			Programs: set.Find, Also: also,
		}
		return w.Run(ctx)
	})
}

// also is what the worker takes besides the tasks of built-in programs.
func (f *workerFlags) also(set programs.Set) (also []mapreduce.Class, err error) {
	if f.exec {
		also = append(also, mapreduce.Exec)
	}
	if len(set.Own()) == 0 {
		return also, nil
	}
	own, err := roles.OwnClass()
	return append(also, own), err
}

// hostName is what users know this machine by.
func hostName() string {
	if host, err := os.Hostname(); err == nil && host != "" {
		return host
	}
	return "localhost"
}

// check refuses flags that no worker can have.
func (f *workerFlags) check() error {
	if f.slots < 1 || f.slots > 1024 {
		return usageError{fmt.Errorf("--slots %d: use 1 to 1024", f.slots)}
	}
	return f.directories()
}

// directories makes the directories absolute, and refuses what is none.
func (f *workerFlags) directories() (err error) {
	for name, dir := range map[string]*string{"--root": &f.root, "--scratch": &f.scratch} {
		if *dir == "" { // what a variable that is not set leaves
			return usageError{fmt.Errorf("%s names no directory", name)}
		}
		if *dir, err = filepath.Abs(*dir); err != nil {
			return err
		}
		info, err := os.Stat(*dir)
		if err == nil && !info.IsDir() {
			err = errors.New("it is no directory")
		}
		if err != nil {
			return usageError{fmt.Errorf("%s %s: %w", name, *dir, err)}
		}
	}
	if f.root == "/" { // everywhere: nothing to be kept in
		f.root = ""
	}
	return nil
}
