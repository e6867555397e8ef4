package cli

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jetreduce/internal/bench"
	"jetreduce/mapreduce/programs"
)

// newBenchChild is how the suite starts `jetreduce ARG...`: with the programs of the bench, until standard input ends, which
// it does when the suite dies. At its end it writes what it took into the file USAGE.
func newBenchChild(terminal Terminal) *cobra.Command {
	return &cobra.Command{
		Use: "child USAGE ARG...", Hidden: true, DisableFlagParsing: true, Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := programs.NewSet(slices.Concat(programs.Builtin(), bench.Programs())...)
			if err != nil {
				return err
			}
			ctx, stop := context.WithCancelCause(cmd.Context())
			defer stop(nil)
			go func() { // it ends with the process, which is about to
				_, _ = io.Copy(io.Discard, terminal.In)
				stop(errInterrupted)
			}()
			root := newRoot(Terminal{strings.NewReader(""), terminal.Out, terminal.Err}, set)
			root.SetArgs(args[1:])
			return errors.Join(root.ExecuteContext(ctx), bench.WriteUsage(args[0]))
		},
	}
}
