package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/internal/roles"
)

// daemonFlags are those of all daemons.
type daemonFlags struct {
	logs string
}

func (f *daemonFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.logs, "log", "text", "how to log: text or json")
}

// logger logs to standard error: a daemon has no other output.
func (f *daemonFlags) logger(to io.Writer) (*slog.Logger, error) {
	switch f.logs {
	case "text":
		return slog.New(slog.NewTextHandler(to, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(to, nil)), nil
	}
	return nil, usageError{fmt.Errorf("--log %q: use text or json", f.logs)}
}

// untilStopped drops the interruption from what a daemon returns: it was told to stop, and did.
func untilStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// storeFlag says where a bus that this machine hosts keeps its streams.
type storeFlag struct{ dir string }

func (f *storeFlag) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dir, "store", "", "`DIR`ectory of the bus, or JETREDUCE_STORE (jetreduce in the user's state directory)")
}

// path is the store's directory.
func (f *storeFlag) path() (string, error) {
	for _, dir := range []string{f.dir, os.Getenv("JETREDUCE_STORE")} {
		if dir != "" {
			return dir, nil
		}
	}
	if state := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "jetreduce"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a directory for the bus: %w: name one with --store or JETREDUCE_STORE", err)
	}
	return filepath.Join(home, ".local", "state", "jetreduce"), nil
}

// busFlags are those of `jetreduce bus`.
type busFlags struct {
	daemon daemonFlags
	store  storeFlag
	addr   string
}

func newBus(terminal Terminal) *cobra.Command {
	var f busFlags
	cmd := &cobra.Command{
		Use: "bus", Short: "Serve the bus: a NATS server with JetStream", Args: noArgs,
		Long: "Serve the bus: a NATS server with JetStream, whose acknowledged writes are on disk.\n" +
			"On one machine `jetreduce coordinator` hosts the bus itself when there is none.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return untilStopped(ctx, f.run(ctx, terminal))
		},
	}
	cmd.Flags().StringVar(&f.addr, "addr", "", "`HOST:PORT` to listen at (where the store was served last, else "+bus.DefaultAddr+")")
	f.store.register(cmd)
	f.daemon.register(cmd)
	return cmd
}

func (f *busFlags) run(ctx context.Context, terminal Terminal) error {
	log, err := f.daemon.logger(terminal.Err)
	if err != nil {
		return err
	}
	dir, err := f.store.path()
	if err != nil {
		return err
	}
	return bus.Serve(ctx, bus.ServeConfig{Store: dir, Addr: f.addr, Log: log}, func(string) {})
}

// use connects a daemon to the bus at a server, patiently, sets jetreduce up there if asked to, and runs its role.
func use(ctx context.Context, c bus.ConnectConfig, setUp bool, role func(ctx context.Context, b *bus.Bus) error) error {
	c.Wait = true
	ready := func(ctx context.Context, b *bus.Bus) error { return b.AwaitSetUp(ctx, c.Log) }
	if setUp {
		ready = func(ctx context.Context, b *bus.Bus) error {
			return b.SetUp(ctx, bus.SetUp{Classes: roles.Classes(), Results: true, Log: c.Log})
		}
	}
	return overBus(ctx, c, ready, role)
}

// beside runs something as long as a role, and ends the role when that gives up. Told to stop, the role is the first to
// end: it gives its lease back over the bus that the other serves.
func beside(ctx context.Context, other, role func(ctx context.Context) error) error {
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	gaveUp := make(chan error, 1)
	go func() {
		err := other(serving)
		if err != nil {
			stop(err)
		}
		gaveUp <- err
	}()
	err := role(ctx)
	byItself := ctx.Err() == nil
	end()
	reason := <-gaveUp
	if reason != nil && !byItself {
		return reason // what the role says is only that it was ended
	}
	return errors.Join(err, reason)
}
