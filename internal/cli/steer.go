package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/mapreduce"
)

// steering is a command that asks the leader to do something about a job.
type steering struct {
	use, short string
	did        string // what is said of the job when it was done
	fits       func(mapreduce.Status) bool
	ask        func(desk *bus.Desk, ctx context.Context, job mapreduce.JobID) (*mapreduce.Status, error)
}

func (s steering) command(terminal Terminal) *cobra.Command {
	l := &look{terminal: terminal}
	return l.register(&cobra.Command{
		Use: s.use + " ID", Short: s.short, Args: oneJob, ValidArgsFunction: l.server.completeJob(s.fits),
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.ask(cmd.Context(), func(ctx context.Context, desk *bus.Desk) error {
				status, err := s.ask(desk, ctx, mapreduce.JobID(args[0]))
				if err != nil {
					return err
				}
				return l.show(status, func(w io.Writer) error {
					_, err := fmt.Fprintf(w, "%s %s\n", status.ID, s.did)
					return err
				})
			})
		},
	})
}

func newCancel(terminal Terminal) *cobra.Command {
	return steering{"cancel", "End a job without a result", "is cancelled", runningJob, (*bus.Desk).Cancel}.command(terminal)
}

func newRetry(terminal Terminal) *cobra.Command {
	return steering{"retry", "Run a job that failed or was cancelled again", "runs again", failedOne, (*bus.Desk).Retry}.command(terminal)
}

func newRemove(terminal Terminal) *cobra.Command {
	rm := steering{"rm", "Remove a job that has ended, and its result on the bus", "is removed", endedJob, (*bus.Desk).Remove}
	return rm.command(terminal)
}
