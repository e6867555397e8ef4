package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"jetreduce/bus"
	"jetreduce/client"
	"jetreduce/mapreduce"
)

// upload has the bus carry the inputs that are this machine's.
func (r *jobRun) upload(ctx context.Context, b *bus.Bus) error {
	var err error
	if r.job.Inputs, err = r.carried(ctx, b, r.inputs); err == nil {
		r.job.Files, err = r.carried(ctx, b, r.job.Files)
	}
	if errors.Is(err, mapreduce.ErrAbsent) { // as if the job had been taken up, and had missed it
		return failedJob{err.Error()}
	}
	return err
}

// carried has the bus carry what of these inputs is this machine's, and returns what they are called then. Somebody who has named the
// job may run the same command again: what is carried of files then has a name, under which that goes on.
func (r *jobRun) carried(ctx context.Context, b *bus.Bus, inputs []string) (carried []string, err error) {
	if !client.NeedsUpload(inputs) {
		return inputs, nil
	}
	name, err := r.uploadName(ctx, b, inputs)
	if err != nil {
		return nil, err
	}
	if name != "" {
		carried, err = r.goOn(ctx, b, name, inputs)
		if !errors.Is(err, errAnew) {
			return carried, err
		}
	}
	return r.carryAlone(ctx, b, inputs)
}

// uploadName is what the upload of these inputs as they are now is called; "": it has no name.
func (r *jobRun) uploadName(ctx context.Context, b *bus.Bus, inputs []string) (string, error) {
	if r.flags.id == "" {
		return "", nil
	}
	print, err := client.Fingerprint(ctx, inputs, b.Carrier().ChunkSize())
	if print == "" || err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(r.flags.id + " " + print))
	return hex.EncodeToString(sum[:12]), nil
}

// errAnew: the upload of that name is of no use.
var errAnew = errors.New("upload anew")

// goOn carries what is not there yet of the upload of that name.
func (r *jobRun) goOn(ctx context.Context, b *bus.Bus, name string, inputs []string) ([]string, error) {
	if _, err := r.newUpload(ctx, b.Desk(), name); err != nil {
		return nil, fmt.Errorf("carry the input: %w", err)
	}
	carrier, there, err := b.Carrier().Resume(ctx, name)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		r.log.Info("no upload can be gone on with", "upload", name, "cause", err)
		return nil, errAnew
	}
	if there > 0 {
		message.NewPrinter(language.English).Fprintf(r.terminal.Err, "jetreduce: goes on with an upload of %d bytes\n", there)
	}
	carried, err := r.push(ctx, carrier, name, inputs)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintf(r.terminal.Err, "jetreduce: what was carried stays for a day: the same command goes on with it (--id %s)\n", r.flags.id)
	case errors.Is(err, mapreduce.ErrNoRoom):
		r.takeBack(ctx, b, name)
	case errors.Is(err, bus.ErrUploadTaken) || bus.IsGone(err):
		r.log.Info("the upload is of no use", "upload", name, "cause", err)
		return nil, errAnew
	}
	return carried, err
}

// carryAlone carries the inputs in an upload of their own, which is dropped when that fails: or it would lie there until it expires.
func (r *jobRun) carryAlone(ctx context.Context, b *bus.Bus, inputs []string) ([]string, error) {
	id, err := r.newUpload(ctx, b.Desk(), "")
	if err != nil {
		return nil, fmt.Errorf("carry the input: %w", err)
	}
	carried, err := r.push(ctx, b.Carrier(), id, inputs)
	if err != nil {
		r.takeBack(ctx, b, id)
	}
	return carried, err
}

// takeBack removes what was carried, which no job will read, or says what stays: a bus without room has no leader either, so that it would
// be in the way of everybody.
func (r *jobRun) takeBack(ctx context.Context, b *bus.Bus, uploads ...string) {
	patience := 10 * time.Second
	if ctx.Err() != nil { // the user waits
		patience = 2 * time.Second
	}
	for _, id := range uploads {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		// What has no name nobody else knows, and no job was made of it.
		err := b.FreeUpload(ending, id, r.flags.id == "" && !r.submitted)
		switch {
		case errors.Is(err, bus.ErrKept):
			fmt.Fprintf(r.terminal.Err, "jetreduce: what was carried stays on the bus: %v\n", err)
		case err != nil:
			fmt.Fprintf(r.terminal.Err, "jetreduce: what was carried stays on the bus for a day as upload %s: "+
				"`jetreduce uploads rm %s` or `nats stream rm %s` frees it (%v)\n", id, id, b.UploadStream(id), err)
		}
		cancel()
	}
}

func (r *jobRun) push(ctx context.Context, carrier *bus.Carrier, id string, inputs []string) (carried []string, err error) {
	err = unlessCut(ctx, func() (err error) {
		carried, err = client.Upload(ctx, carrier, client.UploadConfig{ID: id, Inputs: inputs, Stdin: r.terminal.In})
		return err
	})
	if err == nil {
		r.pushed = append(r.pushed, id)
	}
	return carried, err
}

// newUpload asks for a place for the input, until somebody leads.
func (r *jobRun) newUpload(ctx context.Context, desk *bus.Desk, name string) (string, error) {
	pause := time.NewTicker(500 * time.Millisecond)
	defer pause.Stop()
	for asked := 1; ; asked++ {
		id, err := desk.NewUpload(ctx, name)
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
