package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

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
	slots   slots
	pool    string
	memory  size
	root    string
	scratch string
	exec    bool
	noHTTP  bool

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
	f.register(cmd)
	return cmd
}

func (f *workerFlags) register(cmd *cobra.Command) {
	f.original.register(cmd)
	f.server.register(cmd, "nats://"+bus.DefaultAddr)
	cmd.Flags().Var(&f.slots, "slots",
		"map and reduce tasks at a time: N; cores; or what memory each must have (one a core, as far as memory allows)")
	cmd.Flags().StringVar(&f.pool, "pool", "", "take the tasks of jobs of this pool, `NAME`, and of no other (default)")
	cmd.Flags().Var(&f.memory, "memory", "memory bound for sorting and grouping, in all (a quarter of the machine's)")
	cmd.Flags().StringVar(&f.root, "root", "/", "the one `DIR`ectory in which jobs may read and write files")
	cmd.Flags().BoolVar(&f.exec, "allow-exec", false, "run the commands that jobs name: whoever may submit jobs may run anything here")
	cmd.Flags().BoolVar(&f.noHTTP, "no-http", false,
		"fetch no http:// and https:// inputs: whoever may submit jobs could have this machine ask any address that it reaches")
	cmd.Flags().StringVar(&f.scratch, "scratch", os.TempDir(), "`DIR`ectory for what does not fit into memory")
	f.daemon.register(cmd)
	completed(cmd, map[string]cobra.CompletionFunc{"pool": f.server.completePool, "slots": oneOf("cores", "1GiB\tas many as have that")})
}

func (f *workerFlags) run(ctx context.Context, set programs.Set, log *slog.Logger) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.server.daemon(ctx, "jetreduce worker", log, func(ctx context.Context, b *bus.Bus) error {
		also, err := f.also(set)
		if err != nil {
			return err
		}
		memory := memoryBound(f.memory)
		slots := f.chosen(memory, log)
		keepWithin(memory, slots)
		w := roles.Worker{
			Bus: b, Log: log, Pool: mapreduce.Pool(f.pool), Slots: slots, Memory: memory, Scratch: f.scratch, Root: f.root, Host: hostName(),
			Programs: set.Find, Also: also, NoHTTP: f.noHTTP, Signs: &roles.Signs{},
		}
		return answering(b, workerDaemon, w.Signs, func() error { return w.Run(ctx) })
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
	if err := mapreduce.Pool(f.pool).Check(); err != nil {
		return usageError{fmt.Errorf("--pool: %w", err)}
	}
	if err := f.slots.fit(thisMemory()); err != nil {
		return usageError{fmt.Errorf("--slots: %w", err)}
	}
	return f.directories()
}

// chosen is how many slots the worker has. Why, nobody could tell afterwards.
func (f *workerFlags) chosen(bound int64, log *slog.Logger) int {
	m := thisComputer(bound)
	n, why := f.slots.on(m)
	log.Info("slots", "slots", n, "because", why, "cores", m.cores, "memory", m.memory, "bound", m.bound)
	return n
}

// directories makes the directories absolute, and refuses what is none.
func (f *workerFlags) directories() (err error) {
	if f.root, err = directory("--root", f.root); err != nil {
		return err
	}
	if f.root == "/" { // everywhere: nothing to be kept in
		f.root = ""
	}
	f.scratch, err = directory("--scratch", f.scratch)
	return err
}

// directory is the absolute name of the directory that a flag names.
func directory(flag, name string) (string, error) {
	if name == "" { // what a variable that is not set leaves
		return "", usageError{fmt.Errorf("%s names no directory", flag)}
	}
	dir, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("it is no directory")
	}
	if err != nil {
		return "", usageError{fmt.Errorf("%s %s: %w", flag, dir, err)}
	}
	return dir, nil
}
