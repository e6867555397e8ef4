package clustertest

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"jetreduce/backup"
	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// Claimant is a coordinator that decides nothing: it stands by, takes over, reads what was recorded, and records, as often as it
// can. What it asks for and is answered goes into a history.
type Claimant struct {
	Number  int
	Bus     *bus.Bus
	History *History
	Journal func(mapreduce.Epoch) Journal // nil: the bus's own
	Deposed atomic.Int64                  // how often what it wrote was refused

	written int
}

// Journal is the part of a leader's journal that a Claimant uses.
type Journal interface {
	Write(ctx context.Context, record mapreduce.Record) error
}

// Run stands by and leads until ctx ends.
func (c *Claimant) Run(ctx context.Context) error {
	name := fmt.Sprintf("claimant%d", c.Number)
	config := backup.Config{
		Every: 20 * time.Millisecond, Silence: 100 * time.Millisecond, Rest: 20 * time.Millisecond,
		CallWait: 200 * time.Millisecond, Log: bustest.Quiet(),
	}
	return backup.Run(ctx, config, witnessedLease{c, c.Bus.Lease(name)}, c.Bus.Sight(name), c.lead)
}

// lead writes until it is refused, and once more: that it was told to stop must not be what makes it harmless.
func (c *Claimant) lead(ctx context.Context, epoch mapreduce.Epoch) error {
	err := c.replay(ctx, epoch)
	for err == nil {
		err = c.write(ctx, epoch)
		pass(ctx, 2*time.Millisecond)
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 100*time.Millisecond)
	defer cancel()
	if c.write(late, epoch) == nil {
		return err
	}
	c.Deposed.Add(1)
	return err
}

// replay reads what every leader before has recorded.
func (c *Claimant) replay(ctx context.Context, epoch mapreduce.Epoch) error {
	feed := c.Bus.OpenFeed(bustest.Quiet())
	defer feed.Close()
	answered := c.History.Call(c.Number, FenceCall{Do: Read, Epoch: epoch})
	if err := feed.Lead(ctx, epoch); err != nil {
		return err
	}
	records := map[mapreduce.UID]bool{}
	for {
		event, err := feed.Next(ctx)
		if err != nil {
			return err
		}
		switch e := event.(type) {
		case mapreduce.Restored:
			records[e.Record.UID] = true
		case mapreduce.Replayed:
			answered(FenceAnswer{Records: Sum(records), Seen: records})
			return nil
		}
	}
}

func (c *Claimant) write(ctx context.Context, epoch mapreduce.Epoch) error {
	c.written++
	record := mapreduce.Record{
		Version: mapreduce.RecordVersion, UID: mapreduce.UID(fmt.Sprintf("c%dw%d", c.Number, c.written)), Job: "none", State: mapreduce.Queued,
	}
	answered := c.History.Call(c.Number, FenceCall{Do: Write, Epoch: epoch, Record: record.UID})
	err := c.journal(epoch).Write(ctx, record)
	noteFence(answered, err, FenceAnswer{})
	return err
}

func (c *Claimant) journal(epoch mapreduce.Epoch) Journal {
	if c.Journal != nil {
		return c.Journal(epoch)
	}
	return c.Bus.Journal(epoch)
}

// witnessedLease notes what is asked of a lease.
type witnessedLease struct {
	claimant *Claimant
	lease    backup.Lease
}

func (w witnessedLease) Acquire(ctx context.Context, after mapreduce.Epoch) (mapreduce.Epoch, error) {
	answered := w.claimant.History.Call(w.claimant.Number, FenceCall{Do: Acquire, Epoch: after})
	epoch, err := w.lease.Acquire(ctx, after)
	noteFence(answered, err, FenceAnswer{Epoch: epoch})
	return epoch, err
}

func (w witnessedLease) Renew(ctx context.Context, epoch mapreduce.Epoch) error {
	answered := w.claimant.History.Call(w.claimant.Number, FenceCall{Do: Confirm, Epoch: epoch})
	err := w.lease.Renew(ctx, epoch)
	noteFence(answered, err, FenceAnswer{})
	return err
}

func (w witnessedLease) Release(ctx context.Context, epoch mapreduce.Epoch) error {
	answered := w.claimant.History.Call(w.claimant.Number, FenceCall{Do: Confirm, Epoch: epoch})
	err := w.lease.Release(ctx, epoch)
	noteFence(answered, err, FenceAnswer{})
	return err
}

// pass lets time pass, unless ctx ends.
func pass(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
