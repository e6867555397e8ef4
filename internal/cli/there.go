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
	return connected(ctx, bus.ConnectConfig{URL: r.server, Name: "jetreduce run", Log: r.log}, func(ctx context.Context, b *bus.Bus) error {
		if err := r.upload(ctx, b); err != nil {
			return err
		}
		if err := r.aim(); err != nil {
			return usageError{err}
		}
		if r.flags.detach {
			return r.submit(ctx, b)
		}
		return r.waitThere(ctx, b)
	})
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

// upload has the bus carry the inputs that are this machine's.
func (r *jobRun) upload(ctx context.Context, b *bus.Bus) error {
	var err error
	if r.job.Inputs, err = r.carried(ctx, b, r.inputs); err == nil {
		r.job.Files, err = r.carried(ctx, b, r.job.Files)
	}
	return err
}

// carried has the bus carry what of these inputs is this machine's, and returns what they are called then.
func (r *jobRun) carried(ctx context.Context, b *bus.Bus, inputs []string) (carried []string, err error) {
	if !client.NeedsUpload(inputs) {
		return inputs, nil
	}
	id, err := r.newUpload(ctx, b.Desk())
	if err != nil {
		return nil, fmt.Errorf("carry the input: %w", err)
	}
	err = unlessCut(ctx, func() (err error) {
		carried, err = client.Upload(ctx, b.Carrier(), client.UploadConfig{ID: id, Inputs: inputs, Stdin: r.terminal.In})
		return err
	})
	if err != nil { // or it would lie there until it expires
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = b.Desk().Discard(ending, id)
	}
	return carried, err
}

// newUpload asks for a place for the input, until somebody leads.
func (r *jobRun) newUpload(ctx context.Context, desk *bus.Desk) (string, error) {
	pause := time.NewTicker(500 * time.Millisecond)
	defer pause.Stop()
	for asked := 1; ; asked++ {
		id, err := desk.NewUpload(ctx)
		if err == nil || mapreduce.IsPermanent(err) {
			return id, err
		}
		if asked == 4 {
			fmt.Fprintf(r.terminal.Err, "jetreduce: waiting: %v\n", err)
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return "", err
		}
	}
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
