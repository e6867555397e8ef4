package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/backup"
	"jetreduce/bus"
	"jetreduce/coordinator"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce/programs"
)

// coordinatorFlags are those of `jetreduce coordinator` and `jetreduce backup`.
type coordinatorFlags struct {
	daemon daemonFlags
	server serverFlag
	store  storeFlag
	addr   string
	fence  bool
	tcp    string
	exec   string
	one    oneJobFlags
	shape  shapeFlags
	open   bool // --insecure
	keep   retentionFlags
	page   pageFlags

	firstWait time.Duration // before it leads where nobody ever has
}

func newCoordinator(terminal Terminal, set programs.Set) *cobra.Command {
	var f coordinatorFlags
	cmd := f.command(terminal, set, &cobra.Command{
		Use: "coordinator", Short: "Lead, or stand by while another leads", Args: noArgs,
		Long: "Lead, or stand by while another leads: plan jobs, hand out tasks, take over from a leader that died.\n" +
			"Told no server, it uses the one at " + bus.DefaultAddr + "; when there is none it hosts the bus itself, and when its host\n" +
			"dies, the next coordinator on this machine does, from the same store.\n" +
			"With -f it is as the original system's: it counts the words of one file with workers that connect to a port, writes\n" +
			"a CSV and exits; the same command again is its backup.",
		Example: "  jetreduce coordinator\n  jetreduce coordinator -f hamlet.txt -o output.csv -b 1024 -p 8765",
	})
	f.one.register(cmd)
	return cmd
}

func newBackup(terminal Terminal, set programs.Set) *cobra.Command {
	f := coordinatorFlags{firstWait: 5 * time.Second}
	return f.command(terminal, set, &cobra.Command{
		Use: "backup", Short: "Stand by, and lead when the coordinator dies", Args: noArgs,
		Long: "Stand by, and lead when the coordinator dies. The same as `jetreduce coordinator`, but where nobody has\n" +
			"ever led it leaves 5 seconds to a coordinator to be the first.",
	})
}

func (f *coordinatorFlags) command(terminal Terminal, set programs.Set, cmd *cobra.Command) *cobra.Command {
	f.server.register(cmd, "the bus of this machine")
	f.store.register(cmd)
	f.listening(cmd)
	cmd.Flags().BoolVar(&f.fence, "fence-host", false, "kill a process that hosts the bus on this machine and does not answer")
	cmd.Flags().StringVar(&f.exec, "exec", string(coordinator.ExecAnyone), "from whom jobs of commands are taken: anyone, permitted, never")
	f.shape.register(cmd)
	f.keep.register(cmd)
	f.page.register(cmd)
	f.daemon.register(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return f.start(cmd, terminal, set) }
	return cmd
}

// start checks what was typed before anything is listened at, and becomes what was asked for.
func (f *coordinatorFlags) start(cmd *cobra.Command, terminal Terminal, set programs.Set) error {
	ctx := cmd.Context()
	log, err := f.daemon.logger(terminal.Err)
	if err != nil {
		return err
	}
	if err := f.check(cmd); err != nil {
		return err
	}
	if f.one.file != "" {
		return f.oneJob(ctx, terminal, set, log)
	}
	at, err := f.at()
	if err != nil {
		return err
	}
	return untilStopped(ctx, f.page.beside(ctx, log, func(ctx context.Context) error { return f.run(ctx, at, set, log) }))
}

// listening declares where to listen.
func (f *coordinatorFlags) listening(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.addr, "addr", "", "`HOST:PORT` to host the bus at (where it was hosted last, else "+bus.DefaultAddr+")")
	cmd.Flags().StringVar(&f.tcp, "tcp", "",
		"`HOST:PORT` where original workers may connect, while this process leads; the protocol has no authentication")
	cmd.Flags().BoolVar(&f.open, "insecure", false, insecureUsage)
}

// check refuses flags that do not go together.
func (f *coordinatorFlags) check(cmd *cobra.Command) error {
	if f.tcp != "" {
		if _, _, err := net.SplitHostPort(f.tcp); err != nil {
			return usageError{fmt.Errorf("--tcp %s: use HOST:PORT", f.tcp)}
		}
	}
	if err := errors.Join(checkListen("--tcp", f.tcp, false, f.open), checkListen("coordinator --addr", f.addr, false, f.open)); err != nil {
		return err
	}
	if err := coordinator.ExecPolicy(f.exec).Check(); err != nil {
		return usageError{fmt.Errorf("--exec %w", err)}
	}
	return errors.Join(f.shape.check(), f.keep.check(), f.page.check(f.open), f.one.check(cmd))
}

func (f *coordinatorFlags) config() coordinator.Config {
	config := f.keep.config()
	config.Exec = coordinator.ExecPolicy(f.exec)
	return config
}

// at is the server that was named, or none: then the bus is this machine's, and nobody logs in.
func (f *coordinatorFlags) at() (busAt, error) {
	at, err := f.server.named()
	switch {
	case err != nil:
		return at, err
	case at.none():
		login := append(f.server.typed("prefix", "inbox-prefix"), f.server.set()...)
		return at, alone(login, "the bus that this process hosts asks for no login")
	case f.addr != "" || f.store.dir != "" || f.fence:
		return at, usageError{fmt.Errorf("--addr, --store and --fence-host are for hosting the bus, and %s is named by --server, --context, "+
			"NATS_URL or NATS_CONTEXT: leave out one or the other", at.connect.Address())}
	}
	return at, nil
}

func (f *coordinatorFlags) run(ctx context.Context, at busAt, set programs.Set, log *slog.Logger) error {
	if at.none() {
		return f.hosting(ctx, at, set, log)
	}
	return f.coordinate(ctx, at, set, log)
}

// hosting coordinates over the bus of this machine, and hosts it when nobody else does.
func (f *coordinatorFlags) hosting(ctx context.Context, at busAt, set programs.Set, log *slog.Logger) error {
	dir, err := f.store.path()
	if err != nil {
		return err
	}
	keeper := bus.NewKeeper(bus.KeeperConfig{Store: dir, Addr: f.addr, Fence: f.fence, Insecure: f.open, Log: log})
	return beside(ctx, keeper.Run, func(ctx context.Context) error {
		url, err := keeper.URL(ctx)
		if err != nil {
			return err
		}
		return f.coordinate(ctx, at.at(url), set, log)
	})
}

// coordinate leads or stands by at a server.
func (f *coordinatorFlags) coordinate(ctx context.Context, at busAt, set programs.Set, log *slog.Logger) error {
	host, _ := os.Hostname() // for users to see; none is fine
	c := roles.Coordinator{
		Name: processName(host), Log: log, Config: f.config(), Backup: backup.Config{FirstWait: f.firstWait}, Signs: &roles.Signs{},
	}
	c.Config.Complete = roles.Complete(set)
	at.shape = f.shape.shape()
	return use(ctx, at.as("jetreduce coordinator", log), true, func(ctx context.Context, b *bus.Bus) error {
		c.Bus = b
		reign, err := f.peers(b, set, log)
		if err != nil {
			return err
		}
		c.Reign = f.page.page.Reign(reign)
		defer f.page.page.Use(b, c.Signs)()
		return answering(b, coordinatorDaemon, c.Signs, func() error { return c.Run(ctx) })
	})
}

// processName names a process of a host to users: a part of it no other process has. Whatever bytes the host's name has,
// letters and digits are left of them.
func processName(host string) string {
	name := []byte(host[:min(len(host), 40)])
	for i, c := range name {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter {
			name[i] = '-'
		}
	}
	return roles.NewName(string(name)+"-", 6)
}
