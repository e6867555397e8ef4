package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

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
	daemon   daemonFlags
	store    storeFlag
	addr     string
	tls      bus.TLS
	config   string
	insecure bool
}

func newBus(terminal Terminal) *cobra.Command {
	var f busFlags
	cmd := &cobra.Command{
		Use: "bus", Short: "Serve the bus: a NATS server with JetStream", Args: noArgs,
		Long: "Serve the bus: a NATS server with JetStream, whose acknowledged writes are on disk.\n" +
			"On one machine `jetreduce coordinator` hosts the bus itself when there is none.\n" +
			"Other machines are listened to with TLS only, unless --insecure is given.",
		Example: "  jetreduce bus --addr 0.0.0.0:4222 --tlscert server.pem --tlskey server.key\n  jetreduce bus --config nats.conf",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return untilStopped(ctx, f.run(ctx, terminal))
		},
	}
	cmd.Flags().StringVar(&f.addr, "addr", "",
		"`HOST:PORT` to listen at (as --config says, else where the store was served last, else "+bus.DefaultAddr+")")
	cmd.Flags().StringVar(&f.tls.Cert, "tlscert", "", "certificate that clients are shown, in `FILE`")
	cmd.Flags().StringVar(&f.tls.Key, "tlskey", "", "key of that certificate, in `FILE`")
	cmd.Flags().StringVar(&f.tls.CA, "tlsca", "", "clients must show a certificate that those in `FILE` vouch for")
	cmd.Flags().StringVar(&f.config, "config", "", "nats-server configuration `FILE`: logins, accounts, cluster, TLS, leaf nodes")
	cmd.Flags().BoolVar(&f.insecure, "insecure", false, insecureUsage)
	f.store.register(cmd)
	f.daemon.register(cmd)
	return cmd
}

const insecureUsage = "listen to other machines without TLS"

// check refuses flags that do not go together.
func (f *busFlags) check() error {
	if (f.tls.Cert == "") != (f.tls.Key == "") || f.tls.CA != "" && f.tls.Cert == "" {
		return usageError{errors.New("TLS needs --tlscert and --tlskey, both; --tlsca besides them has clients show a certificate, too")}
	}
	return checkListen("--addr", f.addr, f.tls.Cert != "" || f.config != "", f.insecure) // what the file says is looked at with the rest of it
}

func (f *busFlags) run(ctx context.Context, terminal Terminal) error {
	log, err := f.daemon.logger(terminal.Err)
	if err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	dir, err := f.store.path()
	if err != nil {
		return err
	}
	return bus.Serve(ctx, bus.ServeConfig{
		Store: dir, Addr: f.addr, Log: log, TLS: f.tls, Config: f.config, Insecure: f.insecure,
	}, func(string) {})
}

// use connects a daemon to the bus at a server, patiently, sets jetreduce up there if asked to, and runs its role. What the
// server does not permit, it may permit later.
func use(ctx context.Context, at busAt, setUp bool, role func(ctx context.Context, b *bus.Bus) error) error {
	at.connect.Wait = true
	log := at.connect.Log
	ready := func(ctx context.Context, b *bus.Bus) error { return b.AwaitSetUp(ctx, log) }
	if setUp {
		ready = func(ctx context.Context, b *bus.Bus) error {
			return b.SetUp(ctx, bus.SetUp{Classes: roles.Classes(), Results: true, Shape: at.shape, Log: log})
		}
	}
	for {
		err := overBus(ctx, at, ready, role)
		if !errors.Is(err, bus.ErrDenied) {
			return err
		}
		log.Error("not permitted: tries again", "after", bus.DeniedPause, "cause", err)
		select {
		case <-time.After(bus.DeniedPause):
		case <-ctx.Done():
			return err
		}
	}
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
