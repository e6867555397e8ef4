package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	"github.com/spf13/cobra"

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
	changed := func(names ...string) string {
		for _, name := range names {
			if cmd.Flags().Changed(name) {
				return name
			}
		}
		return ""
	}
	original, native := changed("id", "hostname", "port"),
		changed(append(serverFlagNames(), "slots", "memory", "root", "scratch")...)
	switch {
	case original == "":
		return false, nil
	case native != "":
		return false, usageError{fmt.Errorf("--%s is for a worker of the original protocol, --%s for one of the bus: leave out one or the other",
			original, native)}
	case f.port < 1 || f.port > 65535:
		return false, usageError{fmt.Errorf("--port %d: use 1 to 65535", f.port)}
	}
	return true, nil
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
