package backup

import (
	"context"

	"jetreduce/mapreduce"
)

// The ports end with their context at the latest. An error that is neither mapreduce.ErrDeposed nor marked
// mapreduce.Permanent means that there was no answer: what was asked for may have happened or not.

// Lease is the right to lead.
type Lease interface {
	// Acquire wins the next epoch, provided that after is the one that stands; mapreduce.ErrDeposed when it is not. An
	// epoch that was won without an answer is held by nobody, and taken over like any other.
	Acquire(ctx context.Context, after mapreduce.Epoch) (mapreduce.Epoch, error)
	// Renew shows the others that the holder of this epoch is alive; mapreduce.ErrDeposed when another epoch stands.
	Renew(ctx context.Context, epoch mapreduce.Epoch) error
	// Release gives the lease back, so that another may lead at once; mapreduce.ErrDeposed when another epoch stands.
	Release(ctx context.Context, epoch mapreduce.Epoch) error
}

// Sight shows who leads.
type Sight interface {
	// Look returns who leads, after it has written something to the bus: when it succeeds the bus takes writes, and a
	// leader that wants to renew can.
	Look(ctx context.Context) (mapreduce.Leadership, error)
	// Leave removes what Look has written. A process that is killed leaves that behind.
	Leave(ctx context.Context) error
}
