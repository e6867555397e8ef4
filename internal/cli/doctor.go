package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/bus"
)

// doctorFlags are those of `jetreduce doctor`.
type doctorFlags struct {
	look     look
	monitors []string
	timeout  time.Duration
}

func newDoctor(terminal Terminal) *cobra.Command {
	f := &doctorFlags{look: look{terminal: terminal}}
	cmd := f.look.register(&cobra.Command{
		Use: "doctor", Short: "Say what is unsafe about a NATS server, and what to do", Args: noArgs,
		Long: "Look at a NATS server or cluster, and say what about it is unsafe for jetreduce, and what to do.\n" +
			"It makes nothing there but a probe, which it removes. Ends with 1 when something is unsafe or the server cannot be reached.\n" +
			"Whether a server brings to disk what it acknowledges, its monitoring endpoint says: name it with --monitor.",
		Example: "  jetreduce doctor --server nats://nats-1:4222 --monitor http://nats-1:8222 --monitor http://nats-2:8222",
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context()) },
	})
	cmd.Flags().StringArrayVar(&f.monitors, "monitor", nil, "`URL` of the monitoring endpoint of a server, for each one again")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 10*time.Second, "for all of it")
	return cmd
}

func (f *doctorFlags) run(ctx context.Context) error {
	at, err := f.look.server.orDefault()
	if err != nil {
		return err
	}
	if f.timeout <= 0 {
		return usageError{fmt.Errorf("--timeout %s: use a time above 0, as 10s", f.timeout)}
	}
	for _, address := range f.monitors {
		if _, err := bus.CheckMonitor(address); err != nil {
			return usageError{fmt.Errorf("--monitor: %w", err)}
		}
	}
	doctor := bus.Doctor{Server: at.as("jetreduce doctor", quiet()).connect, Prefix: at.prefix, Monitors: f.monitors}
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	findings := doctor.Examine(limited)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := f.look.show(findings, func(w io.Writer) error { return showFindings(w, findings) }); err != nil {
		return err
	}
	return f.sum(findings)
}

func showFindings(w io.Writer, findings []bus.Finding) error {
	for _, found := range findings {
		text := found.Seen
		if found.Do != "" {
			text += " → " + found.Do
		}
		if _, err := fmt.Fprintf(w, "%-8s %-12s %s\n", found.Level, found.Name, text); err != nil {
			return err
		}
	}
	return nil
}

// sum says how many findings there are of each level; it is an error when some are unsafe.
func (f *doctorFlags) sum(findings []bus.Finding) error {
	counts := map[bus.Level]int{}
	for _, found := range findings {
		counts[found.Level]++
	}
	var parts []string
	for _, level := range []bus.Level{bus.LevelUnsafe, bus.LevelWarning, bus.LevelUnknown, bus.LevelOK} {
		word := string(level)
		if level == bus.LevelWarning && counts[level] != 1 {
			word += "s"
		}
		if counts[level] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[level], word))
		}
	}
	line := strings.Join(parts, ", ")
	if counts[bus.LevelUnsafe] > 0 {
		return errors.New(line)
	}
	_, err := fmt.Fprintf(f.look.terminal.Err, "jetreduce: %s\n", line)
	return err
}
