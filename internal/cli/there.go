package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"jetreduce/bus"
	"jetreduce/client"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// there runs the job on a server, where it goes on without this process.
func (r *jobRun) there(ctx context.Context) error {
	return connected(ctx, r.server.as("jetreduce run", r.log), func(ctx context.Context, b *bus.Bus) error {
		err := r.carryAndSubmit(ctx, b)
		if errors.Is(err, mapreduce.ErrNoRoom) {
			r.takeBack(ctx, b, r.pushed...) // what was carried before there was no room
			fmt.Fprintln(r.terminal.Err, "jetreduce: run it again when the bus has more room: free disk space there, or remove jobs and streams")
		}
		return err
	})
}

func (r *jobRun) carryAndSubmit(ctx context.Context, b *bus.Bus) error {
	if err := r.upload(ctx, b); err != nil {
		return err
	}
	if err := r.aim(); err != nil {
		return usageError{err}
	}
	r.submitted = true
	if r.flags.detach {
		return r.submit(ctx, b)
	}
	return r.waitThere(ctx, b)
}

// aim says where the workers bring the result, and how it looks: the bus keeps it as the local file is to be.
func (r *jobRun) aim() (err error) {
	to := r.job.Output
	r.job.Output = r.target
	if r.job.Output.To, r.job.Output.Force = to.To, to.Force; to.To == "" {
		r.job.Output.Codec, err = r.target.Packing()
	}
	return errors.Join(err, r.job.Validate())
}

// submit submits the job and prints its id.
func (r *jobRun) submit(ctx context.Context, b *bus.Bus) error {
	_, err := client.Submit(ctx, b.Desk(), r.job)
	var rejected client.Rejected
	switch {
	case errors.Is(err, mapreduce.ErrNoLeader):
		fmt.Fprintf(r.terminal.Err, "jetreduce: the job is stored, and waits: %v\n", err)
	case errors.As(err, &rejected):
		return failedJob{err.Error()}
	case err != nil:
		return err
	}
	_, err = fmt.Fprintln(r.terminal.Out, r.job.ID)
	return err
}

// waitThere submits the job, shows how far it is, and fetches the result.
func (r *jobRun) waitThere(ctx context.Context, b *bus.Bus) error {
	began := time.Now()
	view := newView(r.terminal.Err, r.flags.noProgress)
	status, err := client.Run(ctx, b.Desk(), r.job, view.View())
	view.close()
	if err != nil && ctx.Err() != nil {
		r.leave(view)
	}
	if err := asDone(status, err); err != nil {
		return err
	}
	if r.job.Output.To == "" {
		if err := r.fetch(ctx, b, status); err != nil {
			return err
		}
	}
	sayLeftOut(ctx, r.terminal.Err, b.Desk(), status, fewRecords)
	sayShare(r.terminal.Err, r.job.Commands, status)
	fmt.Fprintln(r.terminal.Err, summary(r.program, status, time.Since(began), r.flags.output))
	return nil
}

// asDone is why a job that was waited for is not done.
func asDone(status mapreduce.Status, err error) error {
	var rejected client.Rejected
	switch {
	case errors.As(err, &rejected):
		return failedJob{err.Error()}
	case err == nil && status.State != mapreduce.Done:
		return failedJob{status.Error}
	}
	return err
}

// leave says what becomes of the job when this process does not wait for it any more.
func (r *jobRun) leave(view *view) {
	if view.seen {
		fmt.Fprintf(r.terminal.Err, "jetreduce: job %s goes on: `jetreduce watch %s`\n", r.job.ID, r.job.ID)
		return
	}
	fmt.Fprintf(r.terminal.Err, "jetreduce: job %s was not seen to be taken up; if it was stored it goes on: `jetreduce status %s`\n",
		r.job.ID, r.job.ID)
}

// fetch brings the result from the bus to where the user wants it.
func (r *jobRun) fetch(ctx context.Context, b *bus.Bus, status mapreduce.Status) error {
	open := func() (io.ReadCloser, error) { return b.Results().Fetch(ctx, status.UID, status.Output) }
	if r.stream {
		return r.deliver(ctx, open)
	}
	return publish(r.target, open)
}

// publish writes a result into a file, which appears whole or not at all.
func publish(target mapreduce.Target, open func() (io.ReadCloser, error)) error {
	result, err := open()
	if err != nil {
		return err
	}
	defer result.Close()
	draft, err := output.NewDraft(target)
	if err != nil {
		return err
	}
	if _, err := io.Copy(draft, result); err != nil {
		return errors.Join(err, draft.Discard())
	}
	return errors.Join(draft.Publish(), draft.Discard())
}
