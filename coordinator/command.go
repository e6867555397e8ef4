package coordinator

import "jetreduce/mapreduce"

// Command is one effect that Step asks for. Commands are carried out in order; one that cannot be carried out for good
// comes back as a mapreduce.Refused, and a fenced write that another leader's epoch refuses ends the leadership.
type Command interface{ command() }

// WriteRecord writes a state record under the leader's epoch.
type WriteRecord struct{ Record mapreduce.Record }

// WriteFailure records an attempt that is lost.
type WriteFailure struct{ Failure mapreduce.Failure }

// WriteEnd creates the record that decides how a job ends; another may have been first. What was decided comes back as a
// mapreduce.End.
type WriteEnd struct{ End mapreduce.End }

// Accept settles a submission: it is in the records, or refused.
type Accept struct{ Seq uint64 }

// Enqueue puts tasks into the queue; each comes back as a mapreduce.TaskQueued.
type Enqueue struct{ Tasks []mapreduce.Task }

// HandOn gives the delivery with this receipt back to the queue, for a worker that can no longer.
type HandOn struct{ Receipt string }

// Withdraw takes tasks that nobody needs any more out of the queue, by their sequences in it.
type Withdraw struct{ Seqs []uint64 }

// MakeLanes makes the lanes that are not there.
type MakeLanes struct{ Lanes []mapreduce.Lane }

// DropLanes drops lanes and all runs on them.
type DropLanes struct{ Lanes []mapreduce.Lane }

// StoreRoster keeps a roster that is too large for a task, as chunks.
type StoreRoster struct {
	Task   mapreduce.TaskID
	Chunks [][]byte
}

// Tell publishes where a job stands.
type Tell struct{ Status mapreduce.Status }

// Reject publishes why a submission was not taken up.
type Reject struct {
	Job    mapreduce.JobID
	Seq    uint64
	Reason string
}

// Answer answers a question; a nil Status means that there is no such job.
type Answer struct {
	Reply  string
	Status *mapreduce.Status
}

func (WriteRecord) command()  {}
func (WriteFailure) command() {}
func (WriteEnd) command()     {}
func (Accept) command()       {}
func (Enqueue) command()      {}
func (HandOn) command()       {}
func (Withdraw) command()     {}
func (MakeLanes) command()    {}
func (DropLanes) command()    {}
func (StoreRoster) command()  {}
func (Tell) command()         {}
func (Reject) command()       {}
func (Answer) command()       {}
