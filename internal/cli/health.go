package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/internal/roles"
)

// The daemons that can be asked for their health.
const (
	busDaemon         = "bus"
	coordinatorDaemon = "coordinator" // a backup is one
	workerDaemon      = "worker"
)

func healthKinds() []string { return []string{busDaemon, coordinatorDaemon, "backup", workerDaemon} }

// healthFlags are those of `jetreduce health`.
type healthFlags struct {
	look    look
	timeout time.Duration
	host    string
	pid     int
}

// health is what is said of a daemon.
type health struct {
	Daemon  string `json:"daemon"`
	Healthy bool   `json:"healthy"`
	Reason  string `json:"reason"` // one line
}

func newHealth(terminal Terminal) *cobra.Command {
	f := &healthFlags{look: look{terminal: terminal}}
	cmd := f.look.register(&cobra.Command{
		Use: "health [" + strings.Join(healthKinds(), "|") + "]", Short: "Say whether the daemon of this machine or container does its work",
		Long: "Say whether the daemon of this machine or container does its work; ends with 1 when it does not, and says why in one line.\n" +
			"A bus must answer at --server, with JetStream. A coordinator, a backup and a worker must answer for themselves, over the\n" +
			"connection that they work with, and have renewed or watched the lease, or sent a heartbeat, a moment ago. One that is paused,\n" +
			"cut off or stuck does not. Told no daemon, it is the one that this container runs: its first process, or a child of that,\n" +
			"at the server that it was told.\n" +
			"It is made for the health checks of containers: it needs no shell and no other tool.",
		Example:   "  jetreduce health bus\n  jetreduce health worker --server nats://bus:4222",
		Args:      oneDaemon,
		ValidArgs: healthKinds(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.timeout <= 0 {
				return usageError{fmt.Errorf("--timeout %s: use a time above 0, as 3s", f.timeout)}
			}
			if len(args) == 0 {
				return f.runHere(cmd, processes)
			}
			return f.run(cmd.Context(), args[0])
		},
	})
	cmd.Flags().DurationVar(&f.timeout, "timeout", 3*time.Second, "for all of it")
	cmd.Flags().StringVar(&f.host, "host", hostName(), "the host that the daemon runs on")
	cmd.Flags().IntVar(&f.pid, "pid", 0, "the daemon's process id; 0 is any of its kind here")
	return cmd
}

// oneDaemon takes the kind of one daemon, or none.
func oneDaemon(_ *cobra.Command, args []string) error {
	if len(args) > 1 || len(args) == 1 && !slices.Contains(healthKinds(), args[0]) {
		return usageError{fmt.Errorf("name one daemon: %s", strings.Join(healthKinds(), ", "))}
	}
	return nil
}

// runHere looks at what this container runs.
func (f *healthFlags) runHere(cmd *cobra.Command, processes string) error {
	daemon, err := daemonHere(processes)
	if err != nil {
		return f.say(health{Daemon: "none", Reason: err.Error()})
	}
	if daemon.daemon == "" {
		return f.say(health{Daemon: "none", Healthy: true, Reason: "jetreduce runs here, and not as a daemon, so that none is missed"})
	}
	begun := time.Now()
	looking, cancel := context.WithTimeout(cmd.Context(), f.timeout/2) // names are looked up
	defer cancel()
	if err := daemon.adopt(looking, cmd); err != nil {
		return err
	}
	f.timeout -= time.Since(begun)
	return f.run(cmd.Context(), daemon.daemon)
}

func (f *healthFlags) run(ctx context.Context, daemon string) error {
	at, err := f.look.server.orDefault()
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	said, err := f.inTime(limited, at.as("jetreduce health "+daemon, quiet()), daemon)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	h := health{Daemon: daemon, Healthy: err == nil, Reason: said}
	if err != nil {
		h.Reason = err.Error()
	}
	return f.say(h)
}

// say says how a daemon is. One that is not healthy is the command's error.
func (f *healthFlags) say(h health) error {
	if err := f.look.show(h, func(w io.Writer) error { return showHealth(w, h) }); err != nil || h.Healthy {
		return err
	}
	return fmt.Errorf("%s is not healthy: %s", h.Daemon, h.Reason)
}

// showHealth says that all is well; what is not is the command's error.
func showHealth(w io.Writer, h health) error {
	if !h.Healthy {
		return nil
	}
	_, err := fmt.Fprintf(w, "%s is healthy: %s\n", h.Daemon, h.Reason)
	return err
}

// inTime examines a daemon, and does not wait any longer when the time is over: several servers that do not answer would each be
// waited for. What is still under way ends with this process, which has nothing else to do.
func (f *healthFlags) inTime(ctx context.Context, at busAt, daemon string) (words string, err error) {
	type verdict struct {
		words string
		err   error
	}
	verdicts := make(chan verdict, 1)
	go func() {
		words, err := f.examine(ctx, at, daemon)
		verdicts <- verdict{words, err}
	}()
	// The examination ends with ctx where it can: what it says then is better than that the time is over.
	patience := time.NewTimer(f.timeout + f.timeout/10)
	defer patience.Stop()
	select {
	case v := <-verdicts:
		return v.words, v.err
	case <-patience.C:
		return "", fmt.Errorf("the bus at %s does not answer within %s", at.where(), f.timeout)
	}
}

// examine asks the bus, and over it the daemon.
func (f *healthFlags) examine(ctx context.Context, at busAt, daemon string) (words string, err error) {
	err = overBus(ctx, at, asIs, func(ctx context.Context, b *bus.Bus) error {
		if daemon == busDaemon {
			words = "JetStream answers at " + at.connect.Address() // which connecting has made sure of
			return nil
		}
		sign, err := b.Health(ctx, f.wanted(daemon))
		if err == nil && sign.Ill {
			err = errors.New(sign.Words)
		}
		words = sign.Words
		return err
	})
	return words, err
}

// wanted is the daemon that is meant: of this process's own space of pids, which is the container's, when it is of this host.
func (f *healthFlags) wanted(daemon string) bus.Self {
	if daemon != workerDaemon {
		daemon = coordinatorDaemon
	}
	wanted := bus.Self{Kind: daemon, Host: f.host, Pid: f.pid}
	if f.host == hostName() {
		wanted.Space = pidSpace()
	}
	return wanted
}

// self is this process.
func self(kind string) bus.Self {
	return bus.Self{Kind: kind, Host: hostName(), Space: pidSpace(), Pid: os.Getpid()}
}

// pidSpace names the space in which pids are unique; "" where there is one only.
func pidSpace() string {
	space, _ := os.Readlink("/proc/self/ns/pid") // no such thing but on Linux
	return space
}

// answering runs a daemon's role, which answers for itself meanwhile.
func answering(b *bus.Bus, kind string, signs *roles.Signs, role func() error) error {
	stop, err := b.OnHealth(self(kind), signs.Tell)
	if err != nil {
		return err
	}
	defer stop()
	return role()
}
