package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"jetreduce/internal/roles"
	"jetreduce/mapreduce/programs"
	"jetreduce/tcp"
)

// originalFlags are those of a worker that speaks the original protocol.
type originalFlags struct {
	id, hostname string
	port         int
}

func (f *originalFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.id, "id", "0", "as an original worker: what it calls itself")
	cmd.Flags().StringVar(&f.hostname, "hostname", "localhost", "as an original worker: `HOST` of the coordinator")
	cmd.Flags().IntVar(&f.port, "port", 8765, "as an original worker: `PORT` of the coordinator")
}

// meant reports whether the flags are those of an original worker.
func (f *originalFlags) meant(cmd *cobra.Command) (bool, error) {
	names := []string{"id", "hostname", "port"}
	i := slices.IndexFunc(names, cmd.Flags().Changed)
	if i < 0 {
		return false, nil
	}
	if other := changedBut(cmd, append(names, "log")...); other != "" {
		return false, usageError{fmt.Errorf("--%s is for a worker of the original protocol, --%s for one of the bus: leave out one or the other",
			names[i], other)}
	}
	if f.port < 1 || f.port > 65535 {
		return false, usageError{fmt.Errorf("--port %d: use 1 to 65535", f.port)}
	}
	return true, nil
}

// changedBut is a flag that was typed and is none of these, by the alphabet the first, or "".
func changedBut(cmd *cobra.Command, names ...string) (other string) {
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if other == "" && !slices.Contains(names, flag.Name) {
			other = flag.Name
		}
	})
	return other
}

// run serves whichever coordinator listens at the port.
func (f *originalFlags) run(ctx context.Context, set programs.Set, log *slog.Logger) error {
	program, err := set.Find("wordcount")
	if err != nil {
		return err
	}
	return tcp.Client{
		Addr: net.JoinHostPort(f.hostname, strconv.Itoa(f.port)), ID: f.id, Length: true, Log: log, Program: program,
		OrderKey: roles.OriginalOrder(),
	}.Run(ctx)
}
