package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/client"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// watching is `jetreduce watch`.
type watching struct {
	terminal   Terminal
	programs   programs.Set
	server     serverFlag
	noProgress bool
}

func newWatch(terminal Terminal, set programs.Set) *cobra.Command {
	w := &watching{terminal: terminal, programs: set}
	cmd := &cobra.Command{
		Use: "watch ID", Short: "Wait until a job ends, and show how far it is", Args: oneJob,
		ValidArgsFunction: w.server.completeJob(runningJob),
		RunE: func(cmd *cobra.Command, args []string) error {
			return w.server.desk(cmd.Context(), quiet(), func(ctx context.Context, b *bus.Bus) error {
				return w.watch(ctx, b.Desk(), mapreduce.JobID(args[0]))
			})
		},
	}
	w.server.register(cmd, "nats://"+bus.DefaultAddr)
	cmd.Flags().BoolVar(&w.noProgress, "no-progress", false, "no progress bar")
	return cmd
}

func (w *watching) watch(ctx context.Context, desk *bus.Desk, job mapreduce.JobID) error {
	view := newView(w.terminal.Err, w.noProgress)
	status, err := client.Watch(ctx, desk, job, view.View())
	view.close()
	if err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	if status.State != mapreduce.Done {
		return failedJob{status.Error}
	}
	ended := status.Ended
	if ended.IsZero() { // earlier versions did not say
		ended = time.Now()
	}
	took := ended.Sub(status.Since)
	fmt.Fprintln(w.terminal.Err, summary(programOf(w.programs, status), status, took, resultOf(status)))
	return nil
}

// programOf is the program of a job; of one that this binary does not have, something that can be counted.
func programOf(set programs.Set, status mapreduce.Status) mapreduce.Program {
	program, err := set.Find(status.Program)
	if err != nil {
		program.Noun = "records"
	}
	return program
}
