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
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"jetreduce/bus"
	"jetreduce/coordinator"
	"jetreduce/mapreduce"
	"jetreduce/worker"
)

// Class is what the worker of this binary can run.
const Class mapreduce.Class = "builtin-1"

// Config says how to run.
type Config struct {
	Store    *bus.Store
	Slots    int   // map and reduce tasks at a time
	Memory   int64 // bytes for sorting and grouping
	Programs func(name string) (mapreduce.Program, error)
	Log      *slog.Logger

	Room        int64                              // bytes of streams; 0: three quarters of the disk's free space
	Workers     int                                // 1
	AckWait     time.Duration                      // 30 s; tests want less
	Coordinator coordinator.Config                 // defaults where zero
	Refit       func(number int, c *worker.Config) // may be nil; changes a worker's surroundings: tests break them
}

// Run starts all parts, calls use with the bus, and takes everything down again. The context that use gets ends when a
// part gives up, and Run then returns why; what use returns counts otherwise.
func Run(ctx context.Context, c Config, use func(ctx context.Context, b *bus.Bus) error) error {
	host, err := bus.StartHost(bus.HostConfig{Store: c.Store.Dir(), Room: c.Room, Log: c.Log})
	if err != nil {
		return err
	}
	defer host.Close()
	nc, err := host.Connect()
	if err != nil {
		return err
	}
	defer nc.Close()
	b, err := bus.New(nc, "")
	if err != nil {
		return err
	}
	if err := b.SetUp(ctx, bus.SetUp{Classes: []mapreduce.Class{Class}, AckWait: c.AckWait}); err != nil {
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
			if err := host.Trouble(); err != nil {
				return fmt.Errorf("the embedded bus gave up: %w", err)
			}
		}
	}
}

// lead is the coordinator.
func (c Config) lead(ctx context.Context, b *bus.Bus) error {
	epoch, err := b.TakeEpoch(ctx, "embedded")
	if err != nil {
		return err
	}
	feed, err := b.OpenFeed(ctx, epoch, c.Log)
	if err != nil {
		return err
	}
	defer feed.Close()
	queue := b.Queue(c.Log)
	defer queue.Close()
	config := c.Coordinator
	config.Epoch, config.Class = epoch, Class
	desk := b.Desk()
	err = coordinator.Lead(ctx, config, coordinator.Surroundings{
		Feed: feed, Journal: b.Journal(epoch), Queue: queue, Storage: b.Storage(), Inbox: desk, Herald: desk,
		Log: c.Log, Now: time.Now, NewUID: func() mapreduce.UID { return mapreduce.UID(name(10)) },
	})
	return unlessStopped(ctx, err)
}

// work is a worker.
func (c Config) work(ctx context.Context, b *bus.Bus, number int) error {
	queue := b.Queue(c.Log)
	defer queue.Close()
	hostname, _ := os.Hostname() // for users to see; none is fine
	config := worker.Config{
		ID: mapreduce.WorkerID("w" + name(7)), Class: Class, Slots: c.Slots, Memory: c.Memory,
		Scratch: c.Store.Scratch(), Program: c.Programs, Host: hostname,
		Queue: queue, Commits: b.Commits(), Runs: b.Runs(), Plans: b.Plans(), Pulse: b.Pulse(), Log: c.Log,
	}
	if c.Refit != nil {
		c.Refit(number, &config)
	}
	return unlessStopped(ctx, worker.New(config).Run(ctx))
}

// name makes a random name of n letters and digits.
func name(n int) string { return strings.ToLower(rand.Text()[:n]) }

// unlessStopped drops what a part returns because it was told to stop.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
