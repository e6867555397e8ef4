// Package embedded runs the whole system inside one process: a bus without a port, a coordinator and a worker.
//
//	┌ process ────────────────────────────────────────────┐
//	│ use ──▶ client ─▶ nats-server ◀─ coordinator         │
//	│                     │  store    ◀─ worker (N slots)  │
//	└─────────────────────────────────────────────────────┘
//
// It is wiring only: every room is the one that a cluster runs. What it adds is that they live and die together.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"jetreduce/bus"
	"jetreduce/coordinator"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
	"jetreduce/worker"
)

// Config says how to run.
type Config struct {
	Store    *bus.Store
	Slots    int   // map and reduce tasks at a time
	Memory   int64 // bytes for sorting and grouping
	Programs func(name string) (mapreduce.Program, error)
	Also     []mapreduce.Class // more classes of tasks, besides those of the binary's programs
	Log      *slog.Logger

	Room        int64                              // bytes of streams; 0: three quarters of the disk's free space
	Workers     int                                // 1
	AckWait     time.Duration                      // 10 s; tests want less
	Coordinator coordinator.Config                 // defaults where zero
	Refit       func(number int, c *worker.Config) // may be nil; changes a worker's surroundings: tests break them
}

// Run starts all parts, calls use with the bus, and takes everything down again. The context that use gets ends when a
// part gives up, and Run then returns why; what use returns counts otherwise, unless it fails on a bus that has given up: that
// is why, then.
func Run(ctx context.Context, c Config, use func(ctx context.Context, b *bus.Bus) error) error {
	host, err := bus.StartHost(bus.HostConfig{Store: c.Store.Dir(), Room: c.Room, Log: c.Log})
	if err != nil {
		return err
	}
	defer host.Discard()
	nc, err := host.Connect()
	if err != nil {
		return err
	}
	defer nc.Close()
	b, err := bus.New(nc, "")
	if err != nil {
		return err
	}
	if err := b.SetUp(ctx, bus.SetUp{Classes: append([]mapreduce.Class{roles.Class}, c.Also...), AckWait: c.AckWait, Fleeting: true}); err != nil {
		return fmt.Errorf("set up the embedded bus: %w", errors.Join(err, host.Trouble()))
	}
	return c.together(ctx, host, b, use)
}

// errUsed ends the parts when use has returned.
var errUsed = errors.New("no longer needed")

func (c Config) together(ctx context.Context, host *bus.Host, b *bus.Bus, use func(context.Context, *bus.Bus) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return watchHost(ctx, host) })
	group.Go(func() error { return c.lead(ctx, b) })
	for i := range max(1, c.Workers) {
		group.Go(func() error { return c.work(ctx, b, i) })
	}
	var used error
	group.Go(func() error {
		used = use(ctx, b)
		if err := trouble(host); used != nil && err != nil {
			return err
		}
		return errUsed
	})
	if err := group.Wait(); !errors.Is(err, errUsed) {
		return err
	}
	return used
}

// watchHost notices a server that has given up, which its clients would only feel as silence.
func watchHost(ctx context.Context, host *bus.Host) error {
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := trouble(host); err != nil {
				return err
			}
		}
	}
}

// trouble is why the server has given up, or nil.
func trouble(host *bus.Host) error {
	if err := host.Trouble(); err != nil {
		return fmt.Errorf("the embedded bus gave up: %w", err)
	}
	return nil
}

// lead is the coordinator.
func (c Config) lead(ctx context.Context, b *bus.Bus) error {
	lead := roles.Coordinator{Bus: b, Name: "embedded", Log: c.Log, Config: c.Coordinator}
	return unlessStopped(ctx, lead.Lead(ctx))
}

// work is a worker.
func (c Config) work(ctx context.Context, b *bus.Bus, number int) error {
	w := roles.Worker{
		Bus: b, Log: c.Log, Slots: c.Slots, Memory: c.Memory, Scratch: c.Store.Scratch(), Programs: c.Programs,
		Also: c.Also,
	}
	if c.Refit != nil {
		w.Refit = func(config *worker.Config) { c.Refit(number, config) }
	}
	return unlessStopped(ctx, w.Run(ctx))
}

// unlessStopped drops what a part returns because it was told to stop.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
