package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// fetching is `jetreduce output`.
type fetching struct {
	terminal Terminal
	server   serverFlag
	to       string
	force    bool
}

func newOutput(terminal Terminal) *cobra.Command {
	f := &fetching{terminal: terminal}
	cmd := &cobra.Command{
		Use: "output ID", Short: "Fetch the result of a job that is done", Args: oneJob,
		ValidArgsFunction: f.server.completeJob(fetchable),
		RunE:              func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), mapreduce.JobID(args[0])) },
	}
	f.server.register(cmd, "nats://"+bus.DefaultAddr)
	cmd.Flags().StringVarP(&f.to, "output", "o", "-", "result `FILE`; - is standard output")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace the result file if it exists")
	return cmd
}

func (f *fetching) run(ctx context.Context, job mapreduce.JobID) error {
	target, streamed, err := place(f.to, mapreduce.Target{Force: f.force})
	if err != nil {
		return err
	}
	return f.server.desk(ctx, quiet(), func(ctx context.Context, b *bus.Bus) error {
		status, err := finished(ctx, b.Desk(), job)
		if err != nil {
			return err
		}
		f.warn(status.Output, target)
		open := func() (io.ReadCloser, error) { return b.Results().Fetch(ctx, status.UID, status.Output) }
		if !streamed {
			return publish(target, open)
		}
		return f.stream(open)
	})
}

// warn says that the result is not of the format that the file's ending promises.
func (f *fetching) warn(result, target mapreduce.Target) {
	is, _ := output.ParseFormat(result.Format)
	packed, _ := result.Packing()
	wanted, _ := target.Packing()
	if target.Format != "" && (string(is) != target.Format || packed != wanted) {
		how := string(is)
		if packed != "" {
			how += " packed by " + string(packed)
		}
		fmt.Fprintf(f.terminal.Err, "jetreduce: the result is %s, as the job was submitted, whatever %s is called\n", how, f.to)
	}
}

func (f *fetching) stream(open func() (io.ReadCloser, error)) error {
	result, err := open()
	if err != nil {
		return err
	}
	defer result.Close()
	return stream(f.terminal, f.to, result)
}

// finished is the status of a job whose result the bus has.
func finished(ctx context.Context, desk *bus.Desk, job mapreduce.JobID) (mapreduce.Status, error) {
	status, err := desk.Ask(ctx, job)
	switch {
	case err != nil:
		return mapreduce.Status{}, err
	case status == nil:
		return mapreduce.Status{}, fmt.Errorf("%w %q: `jetreduce jobs` lists them", mapreduce.ErrUnknownJob, job)
	case status.State == mapreduce.Failed || status.State == mapreduce.Cancelled:
		return *status, failedJob{fmt.Sprintf("job %s is %s: %s", job, status.State, status.Error)}
	case status.State != mapreduce.Done:
		return *status, fmt.Errorf("job %s is %s: wait for it with `jetreduce watch %s`", job, status.State, job)
	case !status.Output.OnBus():
		return *status, fmt.Errorf("the result of job %s is %s, on the worker that wrote it", job, status.Output.To)
	}
	return *status, nil
}
