package coordinator

import (
	"context"

	"jetreduce/mapreduce"
)

// The ports speak the vocabulary only. An implementation asks again until it has an answer: a time-out is neither yes
// nor no. It returns mapreduce.ErrDeposed when another leader's epoch stands, an error marked mapreduce.Permanent when
// the bus has refused and will again, and ctx's error when it was cut short.

// Feed hands in what happens, beginning with all records up to the leader's own barrier and a mapreduce.Replayed.
type Feed interface {
	Next(ctx context.Context) (mapreduce.Event, error)
}

// Journal keeps what must not be forgotten.
type Journal interface {
	// Write writes a state record, under the epoch of this leadership.
	Write(ctx context.Context, record mapreduce.Record) error
	// Fail records an attempt that did not commit. Twice the same is one.
	Fail(ctx context.Context, failure mapreduce.Failure) error
	// End creates the record that decides how a job ends, or finds that there is one.
	End(ctx context.Context, end mapreduce.End) error
}

// Queue is the leader's side of the work queue.
type Queue interface {
	// Publish puts tasks into the queue, and returns the sequence of each.
	Publish(ctx context.Context, tasks []mapreduce.Task) ([]uint64, error)
	// HandOn gives a delivery back to the queue, whoever holds it.
	HandOn(ctx context.Context, receipt string) error
	// Withdraw takes tasks out of the queue; one that is not there any more is none.
	Withdraw(ctx context.Context, seqs []uint64) error
}

// Storage holds what the tasks of a job exchange.
type Storage interface {
	// Make makes the lanes that are not there.
	Make(ctx context.Context, lanes []mapreduce.Lane) error
	// Drop drops lanes; one that is not there is dropped.
	Drop(ctx context.Context, lanes []mapreduce.Lane) error
	// StoreRoster keeps the roster of a phase, named by its task 0, as chunks.
	StoreRoster(ctx context.Context, task mapreduce.TaskID, chunks [][]byte) error
}

// Inbox settles submissions.
type Inbox interface {
	// Accept settles a submission: it need not be handed in again.
	Accept(ctx context.Context, seq uint64) error
	// Reject says why a submission was not taken up, to all who listen.
	Reject(job mapreduce.JobID, seq uint64, reason string) error
}

// Herald talks to users. Nobody may be listening; what it says is lost then.
type Herald interface {
	// Tell says where a job stands, to all who listen.
	Tell(status mapreduce.Status) error
	// Answer answers the question that came with this reply subject; nil: there is no such job.
	Answer(reply string, status *mapreduce.Status) error
}
