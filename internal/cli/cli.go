// Package cli is the command line: one file for each command, flags and wiring, no logic.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/mapreduce/programs"
)

// Terminal is what a command may talk to.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
}

// Exit codes.
const (
	exitDone        = 0
	exitOther       = 1
	exitUsage       = 2
	exitFailed      = 3
	exitTimeout     = 4
	exitInterrupted = 130
)

// Main runs a command line and returns the process's exit code. The programs are those that jobs may name.
func Main(args []string, set programs.Set) int {
	postponeCollection()
	ctx, stop := interruptible(context.Background(), interruption{words: os.Stderr, grace: 300 * time.Millisecond, leave: os.Exit})
	defer stop()
	terminal := Terminal{os.Stdin, os.Stdout, os.Stderr}
	root := newRoot(terminal, set)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	code := exitCode(err)
	switch {
	case err == nil || hasEnough(err):
		return exitDone
	case code == exitUsage:
		fmt.Fprintf(terminal.Err, "jetreduce: %v\nsee `%s --help`\n", err, cmd.CommandPath())
	default:
		fmt.Fprintf(terminal.Err, "jetreduce: %v\n", err)
	}
	return code
}

// hasEnough reports whether the reader of the output has enough (| head), which is no error. A connection that breaks is one.
func hasEnough(err error) bool {
	var network *net.OpError
	return errors.Is(err, syscall.EPIPE) && !errors.As(err, &network)
}

func newRoot(terminal Terminal, set programs.Set) *cobra.Command {
	root := describeRoot()
	root.Version = version()
	root.SetOut(terminal.Out)
	root.SetErr(terminal.Err)
	root.SetIn(terminal.In)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		newRun(terminal, set), newJobs(terminal), newStatus(terminal), newWatch(terminal, set), newOutput(terminal),
		newCancel(terminal), newRetry(terminal), newRemove(terminal), newQuarantine(terminal), newTimeline(terminal), newWorkers(terminal),
		newUploads(terminal),
		newBus(terminal), newCoordinator(terminal, set), newBackup(terminal, set), newWorker(terminal, set),
		newPrograms(terminal, set), newBench(terminal), newSetup(terminal), newDoctor(terminal), newPermissions(terminal), newHealth(terminal),
		newVersion(terminal), newCompletion(terminal),
	)
	return root
}

// describeRoot is the command that the others belong to: what help says, and what is said to a command that is none.
func describeRoot() *cobra.Command {
	return &cobra.Command{
		Use:   "jetreduce",
		Short: "MapReduce on NATS JetStream: kill anything, get the exact answer",
		Long: "jetreduce runs MapReduce jobs over files. With no server named, everything (an embedded NATS JetStream\n" +
			"server, a coordinator, workers) runs inside this one process. On a server the parts are processes of their own:\n" +
			"bus, coordinator, backup, worker.",
		Example:                    "  jetreduce run wordcount book.txt\n  jetreduce run wordcount logs/ -o words.csv --order en",
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		Args:                       cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
}

func unknownCommand(root *cobra.Command, name string) error {
	err := fmt.Errorf("unknown command %q", name)
	if near := root.SuggestionsFor(name); len(near) > 0 {
		err = fmt.Errorf("unknown command %q: did you mean %s?", name, near[0])
	}
	return usageError{err}
}

// usageError is an error in the command line.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// failedJob is a job that was accepted, and failed.
type failedJob struct{ reason string }

func (f failedJob) Error() string { return f.reason }

var (
	errInterrupted = errors.New("interrupted")
	errTimeout     = errors.New("time-out")
)

func exitCode(err error) int {
	var usage usageError
	var failed failedJob
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &failed):
		return exitFailed
	case errors.Is(err, errTimeout):
		return exitTimeout
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	}
	return exitOther
}
