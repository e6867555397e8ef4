package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/internal/roles"
)

// setupFlags are those of `jetreduce setup`.
type setupFlags struct {
	server  serverFlag
	shape   shapeFlags
	dry     bool
	json    bool
	timeout time.Duration
}

func newSetup(terminal Terminal) *cobra.Command {
	var f setupFlags
	cmd := &cobra.Command{
		Use: "setup", Short: "Make the streams, buckets and consumers of jetreduce on a NATS server", Args: noArgs,
		Long: "Make the streams, buckets and consumers of jetreduce on a NATS server, unless they are there, and say of each\n" +
			"what became of it. A coordinator does the same when it starts; this needs none, and may be done by whoever may make\n" +
			"streams. What is there is never changed: how it differs is said, and what to do; then it ends with 1.",
		Example: "  jetreduce setup --server nats://nats-1:4222 --dry-run\n  jetreduce setup --server nats://nats-1:4222 --max-bytes 64M",
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), terminal) },
	}
	f.server.register(cmd, "nats://"+bus.DefaultAddr)
	cmd.Flags().BoolVar(&f.dry, "dry-run", false, "make nothing, and say what would be made")
	cmd.Flags().IntVar(&f.shape.replicas, replicasFlag, 0, "on how many servers of a cluster state is kept, 1 or 3 (3 where that can be)")
	f.shape.registerBound(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	cmd.Flags().DurationVar(&f.timeout, "timeout", time.Minute, "for all of it")
	return cmd
}

func (f *setupFlags) run(ctx context.Context, terminal Terminal) error {
	if err := f.shape.check(); err != nil {
		return err
	}
	if f.timeout <= 0 {
		return usageError{fmt.Errorf("--timeout %s: use a time above 0, as 1m", f.timeout)}
	}
	at, err := f.server.orDefault()
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, f.timeout, errTimeout)
	defer cancel()
	things := []bus.Thing{}
	err = overBus(limited, at.as("jetreduce setup", quiet()), asIs, func(ctx context.Context, b *bus.Bus) error {
		return b.Provision(ctx, bus.SetUp{Classes: roles.Classes(), Shape: f.shape.shape()}, f.dry, func(thing bus.Thing) error {
			things = append(things, thing)
			return f.say(terminal.Out, thing)
		})
	})
	if err != nil {
		return ended(limited, err)
	}
	return f.sum(terminal, things)
}

// ended is why a command ended that was given a time.
func ended(limited context.Context, err error) error {
	if cause := context.Cause(limited); cause != nil {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// say prints one thing.
func (f *setupFlags) say(w io.Writer, thing bus.Thing) error {
	if f.json {
		return nil
	}
	text := thing.For
	if thing.Seen != "" {
		text = thing.Seen + " → " + thing.Do
	}
	_, err := fmt.Fprintf(w, "%-13s  %-12s  %-18s  %s\n", thing.Is, thing.Kind, thing.Name, text)
	return err
}

// sum says how many things there are of each kind. That some differ is an error, unless that is what was asked for.
func (f *setupFlags) sum(terminal Terminal, things []bus.Thing) error {
	if f.json {
		encoder := json.NewEncoder(terminal.Out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(things); err != nil {
			return err
		}
	}
	line, differ := summed(things)
	if differ && !f.dry {
		return fmt.Errorf("%s: jobs may run, but what differs is to be put right", line)
	}
	_, err := fmt.Fprintf(terminal.Err, "jetreduce: %s\n", line)
	return err
}

// summed is how many things there are of each kind, and whether some differ.
func summed(things []bus.Thing) (line string, differ bool) {
	counts := map[string]int{}
	for _, thing := range things {
		counts[thing.Is]++
	}
	var parts []string
	for _, is := range []string{bus.ThingMade, bus.ThingMissing, bus.ThingThere, bus.ThingDiffers} {
		if counts[is] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[is], is))
		}
	}
	return strings.Join(parts, ", "), counts[bus.ThingDiffers] > 0
}
