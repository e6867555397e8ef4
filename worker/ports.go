package worker

import (
	"context"
	"io"
	"time"

	"jetreduce/mapreduce"
)

// The ports speak the vocabulary only. An implementation asks again until it has an answer or ctx ends.

// Queue is the worker's side of the work queue.
type Queue interface {
	// Pull waits for one task of any of these classes.
	Pull(ctx context.Context, classes ...mapreduce.Class) (mapreduce.Delivery, error)
	// Extend tells the queue that the delivery with this receipt is being worked on.
	Extend(ctx context.Context, receipt string) error
	// Settle gives a delivery back.
	Settle(ctx context.Context, receipt string, how mapreduce.Settlement) error
	// Clock is the time by the clock that says when a delivery was queued.
	Clock(ctx context.Context) (time.Time, error)
}

// Backlog is what a Queue may be besides: one that can be asked for what already waits. Its worker's slots ask ahead.
type Backlog interface {
	// Waiting returns a task of a class that waits in the queue although nobody has a free slot for it: who waits in Pull is first.
	// When there is none it says so at once.
	Waiting(ctx context.Context, class mapreduce.Class) (delivery mapreduce.Delivery, found bool)
}

// Commits is where output begins to count.
type Commits interface {
	// Commit creates the task's commit record unless there is one, and returns the one that stands.
	Commit(ctx context.Context, commit mapreduce.Commit) (mapreduce.Commit, error)
	// Stands reports whether a task is committed.
	Stands(ctx context.Context, task mapreduce.TaskID) (bool, error)
	// Decide creates the record that decides how the job ends unless there is one, and returns the one that stands.
	Decide(ctx context.Context, end mapreduce.End) (mapreduce.End, error)
	// Fail records an attempt that did not commit.
	Fail(ctx context.Context, failure mapreduce.Failure) error
}

// Runs carries chunks of runs to the tasks that read them.
type Runs interface {
	// Publisher returns the two ends of one attempt's publishing: push takes a chunk over and may return before it is
	// stored, flush waits until all are.
	Publisher(ctx context.Context) (push func(mapreduce.Lane, []byte) error, flush func() error)
	// Fetch hands over all chunks on a lane, of whatever attempts, perhaps twice; the receiver may keep them.
	Fetch(ctx context.Context, lane mapreduce.Lane, yield func(chunk []byte) error) error
}

// Plans keeps plans and rosters.
type Plans interface {
	// Store stores the chunk that ref names, whatever its Index.
	Store(ctx context.Context, ref mapreduce.PlanRef, chunk mapreduce.PlanChunk) error
	// Load loads the chunk that ref names.
	Load(ctx context.Context, ref mapreduce.PlanRef) (mapreduce.PlanChunk, error)
	// Roster loads a roster that does not stand in the task.
	Roster(ctx context.Context, ref mapreduce.RosterRef) ([]byte, error)
}

// Results takes the results that are objects of the bus.
type Results interface {
	// Check refuses a target that Publish would have to refuse, before the end of the job is decided.
	Check(ctx context.Context, uid mapreduce.UID, target mapreduce.Target) error
	// Publish stores the result of one submission under its uid, whole or not at all. Publishing the same again is the same
	// as once; another digest under that uid is a permanent error.
	Publish(ctx context.Context, uid mapreduce.UID, target mapreduce.Target, content io.ReaderAt, size int64,
		digest mapreduce.Digest) error
}

// Tables takes the results that become keys of a bucket or messages of a stream.
type Tables interface {
	// Vacant refuses a target that takes no result, before the work is done.
	Vacant(ctx context.Context, uid mapreduce.UID, target mapreduce.Target) error
	// Check refuses what Publish would have to refuse, before the end of the job is decided, and says where the target stands.
	Check(ctx context.Context, table mapreduce.Table) (mark string, err error)
	// Publish brings the rows to the target, if nobody but this submission has written there since the mark: that is
	// mapreduce.ErrOvertaken. Publishing the same again, or at the same time, is the same as once. The note is for the log.
	Publish(ctx context.Context, table mapreduce.Table, mark string) (note string, err error)
}

// Pulse carries heartbeats; one may be lost.
type Pulse interface {
	Beat(beat mapreduce.Beat) error
	// OnRoll calls answer whenever a leader asks who is there, until stop is called.
	OnRoll(answer func()) (stop func(), err error)
	// OnOver calls end whenever a leader says that a submission or a task is over, until stop is called.
	OnOver(end func(over mapreduce.Over)) (stop func(), err error)
}
