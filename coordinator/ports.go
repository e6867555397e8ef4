package coordinator

import (
	"context"
	"time"

	"jetreduce/mapreduce"
)

// The ports speak the vocabulary only. An implementation asks again until it has an answer: a time-out is neither yes
// nor no. It returns mapreduce.ErrDeposed when another leader's epoch stands, an error marked mapreduce.Permanent when
// the bus has refused and will again, and ctx's error when it was cut short.

// Feed hands in what happens, beginning with all records.
type Feed interface {
	Next(ctx context.Context) (mapreduce.Event, error)
	// Lead makes the feed a leader's: it hands in a mapreduce.Replayed when all records up to the leader's own barrier have
	// been handed in, and submissions and requests after that.
	Lead(ctx context.Context, epoch mapreduce.Epoch) error
}

// Journal keeps what the leader decided, each write under the epoch of its leadership.
type Journal interface {
	// Write writes a state record.
	Write(ctx context.Context, record mapreduce.Record) error
	// Confirm makes sure that this leader still leads.
	Confirm(ctx context.Context) error
	// Forget removes what the tasks of a job have recorded; whole: all records of its uid but the one that it is removed, and
	// its end, which must stand as long: a finish that comes late would decide it anew.
	Forget(ctx context.Context, uid mapreduce.UID, whole bool) error
	// Erase removes all records of a uid that was forgotten whole: its end, and last the one that it is removed.
	Erase(ctx context.Context, uid mapreduce.UID) error
}

// Ledger is the leader's side of the records that are created once.
type Ledger interface {
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
	// Clock is the time on the bus.
	Clock(ctx context.Context) (time.Time, error)
}

// Classes are what tasks can be pulled by.
type Classes interface {
	// Open makes it possible to pull tasks of a pool and class.
	Open(ctx context.Context, pool mapreduce.Pool, class mapreduce.Class) error
	// Shut drops what Open made, and the tasks that stand there. Open makes it again.
	Shut(ctx context.Context, pool mapreduce.Pool, class mapreduce.Class) error
}

// Storage holds what the tasks of a job exchange.
type Storage interface {
	// Make makes the lanes that are not there, and returns those that cannot be made or used under their names for now: the
	// server that has them is away.
	Make(ctx context.Context, lanes []mapreduce.Lane) (gone []mapreduce.Lane, err error)
	// Drop drops lanes; one that is not there is dropped.
	Drop(ctx context.Context, lanes []mapreduce.Lane) error
	// Sweep drops whatever lanes there are of these submissions.
	Sweep(ctx context.Context, ended map[mapreduce.UID]bool) error
}

// Rosters keeps what is too large for a task.
type Rosters interface {
	// StoreRoster keeps the roster of a phase under a name, as chunks.
	StoreRoster(ctx context.Context, name mapreduce.TaskID, chunks [][]byte) error
}

// Uploads is the input that the bus carries.
type Uploads interface {
	// Make makes a place for an upload, which expires if it is not kept.
	Make(ctx context.Context, upload string) error
	// Keep keeps an upload, which must be whole.
	Keep(ctx context.Context, upload string) error
	// Drop drops an upload; one that is not there is dropped.
	Drop(ctx context.Context, upload string) error
}

// Links are the names of results on the bus.
type Links interface {
	// Last is the version of a link, for Link to expect; 0: there never was one.
	Last(ctx context.Context, target mapreduce.Target, job mapreduce.JobID) (uint64, error)
	// Link makes the result of a submission appear under its user's name, if the link is still of the version expected.
	Link(ctx context.Context, job mapreduce.JobID, uid mapreduce.UID, target mapreduce.Target, expected uint64) error
	// Unlink takes the result of a submission away, and moves the link's version even when there is none.
	Unlink(ctx context.Context, job mapreduce.JobID, uid mapreduce.UID, target mapreduce.Target) error
}

// Buckets are those that the rows of results go to.
type Buckets interface {
	// MakeBucket makes the bucket that a target names, unless it is there. One that is, and takes no rows, is left for finish to refuse.
	MakeBucket(ctx context.Context, uid mapreduce.UID, target mapreduce.Target) error
}

// Archive keeps how jobs went. It is no state, and nobody is to wait for it: an implementation gives up soon.
type Archive interface {
	// KeepTimeline keeps the timeline of a submission that has ended, unless one is kept.
	KeepTimeline(ctx context.Context, timeline mapreduce.Timeline) error
	// DropTimeline drops it; one that is not there is dropped.
	DropTimeline(ctx context.Context, uid mapreduce.UID) error
}

// Inbox settles submissions.
type Inbox interface {
	// Accept settles a submission: it need not be handed in again.
	Accept(ctx context.Context, seq uint64) error
	// Reject says why a submission was not taken up, to all who listen.
	Reject(job mapreduce.JobID, seq uint64, reason string) error
}

// Herald talks to users and workers. Nobody may be listening; what it says is lost then.
type Herald interface {
	// Tell says where a job stands, to all who listen.
	Tell(status mapreduce.Status) error
	// Answer answers the request that came with this reply subject.
	Answer(reply string, answer mapreduce.Answer) error
	// Dismiss tells all workers that a submission or a task of it is over.
	Dismiss(over mapreduce.Over) error
}
