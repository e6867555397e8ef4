package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"jetreduce/bus"
	"jetreduce/client"
	"jetreduce/internal/embedded"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// here runs the job in a system of its own, inside this process.
func (r *jobRun) here(ctx context.Context) error {
	r.sayUnused()
	store, err := openStore(ctx, r.flags.store, r.terminal.Err, r.log)
	if err != nil {
		return err
	}
	defer func() {
		if removeErr := store.Remove(); removeErr != nil { // the next run sweeps it; the result is not touched by that
			r.log.Error("the store was not removed", "store", store.Dir(), "cause", removeErr)
		}
	}()
	if err := r.carry(ctx, store); err != nil {
		return err
	}
	r.job.Output = r.target
	if r.stream {
		r.job.Output.To = output.URL(filepath.Join(store.Scratch(), "result"))
	}
	return embedded.Run(ctx, r.system(store), func(ctx context.Context, b *bus.Bus) error { return r.waitHere(ctx, b) })
}

// system is what runs the job here. The process keeps within its memory from then on.
func (r *jobRun) system(store *bus.Store) embedded.Config {
	memory := memoryBound(r.flags.memory)
	slots, _ := r.flags.workers.on(thisComputer(memory))
	keepWithin(memory, slots)
	config := embedded.Config{
		Store: store, Slots: slots, Memory: memory, Programs: r.programs.Find, Log: r.log,
	}
	if r.job.Map != "" {
		config.Also = []mapreduce.Class{mapreduce.Exec} // the user's own commands, on the user's own machine
	}
	return config
}

// sayUnused says that nobody connects, where the user's variables say how.
func (r *jobRun) sayUnused() {
	if set := r.flags.server.unused(); len(set) > 0 {
		fmt.Fprintf(r.terminal.Err, "jetreduce: %s: set, and no server is named: this runs inside this process; "+
			"name a server with --server, --context, NATS_URL or NATS_CONTEXT\n", strings.Join(set, " "))
	}
}

// waitHere submits the job, shows how far it is, and delivers the result.
func (r *jobRun) waitHere(ctx context.Context, b *bus.Bus) error {
	began := time.Now()
	bar := newBar(r.terminal.Err, r.flags.noProgress)
	status, err := client.Run(ctx, b.Desk(), r.job, client.View{Seen: bar.show})
	bar.close()
	if err != nil {
		return err
	}
	if status.State != mapreduce.Done {
		return failedJob{status.Error}
	}
	if r.stream {
		if err := r.deliver(ctx, r.openHere); err != nil {
			return err
		}
	}
	sayLeftOut(ctx, r.terminal.Err, b.Desk(), status, mapreduce.MaxSkipBad)
	sayShare(r.terminal.Err, r.job.Commands, status)
	fmt.Fprintln(r.terminal.Err, summary(r.program, status, time.Since(began), r.flags.output))
	return nil
}

func (r *jobRun) openHere() (io.ReadCloser, error) {
	path, err := output.Path(r.job.Output)
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}
