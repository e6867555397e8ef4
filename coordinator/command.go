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

// OpenQueue makes it possible to pull tasks of a pool and class of which a worker has been heard. It comes back as a mapreduce.QueueOpened.
type OpenQueue struct {
	Pool  mapreduce.Pool
	Class mapreduce.Class
}

// CloseQueue drops the queue of a pool and class that no worker serves and no job needs.
type CloseQueue struct {
	Pool  mapreduce.Pool
	Class mapreduce.Class
}

// HandOn gives the delivery with this receipt back to the queue, for a worker that can no longer.
type HandOn struct{ Receipt string }

// Withdraw takes tasks that nobody needs any more out of the queue, by their sequences in it.
type Withdraw struct{ Seqs []uint64 }

// MakeLanes makes the lanes that are not there.
type MakeLanes struct{ Lanes []mapreduce.Lane }

// DropLanes drops lanes and all runs on them.
type DropLanes struct{ Lanes []mapreduce.Lane }

// SweepLanes drops whatever lanes there are of submissions that have ended: a leader that was deposed between recording
// and making may have made them long after.
// What nobody has kept of uploads goes with them.
type SweepLanes struct{ Ended map[mapreduce.UID]bool }

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

// Answer answers a request. All who ever led hear each question, and one that is deposed without knowing it has nothing to
// write, so it would answer first: what it refused might be done. So the leader makes sure that it leads before it answers,
// unless the answer is only a view, of how things stood a moment ago.
type Answer struct {
	Reply  string
	Answer mapreduce.Answer
	View   bool
}

// MakeUpload makes a place for input that the bus is to carry, and answers.
type MakeUpload struct{ Upload, Reply string }

// KeepUploads keeps the uploads that a recorded job names: an upload that no job names expires.
type KeepUploads struct {
	UID     mapreduce.UID
	Uploads []string
}

// DropUploads drops uploads that no job needs any more.
type DropUploads struct{ Uploads []string }

// Link makes the published result of a job appear under the name that its user asked for, provided that this leader
// still leads and nobody has changed the link since that was made sure.
type Link struct {
	Job    mapreduce.JobID
	UID    mapreduce.UID
	Target mapreduce.Target
}

// MakeBucket makes the bucket that the rows of a result go to, unless it is there.
type MakeBucket struct {
	UID    mapreduce.UID
	Target mapreduce.Target
}

// Unlink takes the result of a job away.
type Unlink struct {
	Job    mapreduce.JobID
	UID    mapreduce.UID
	Target mapreduce.Target
}

// KeepTimeline keeps how the tasks of a job went that has ended.
type KeepTimeline struct{ Timeline mapreduce.Timeline }

// DropTimeline drops that.
type DropTimeline struct{ UID mapreduce.UID }

// Dismiss tells the workers that a job or a task is over: what they still run for it is for nothing.
type Dismiss struct{ Over mapreduce.Over }

// Forget removes what the tasks of a job have recorded; of a removed job, whole, all else that its uid owns but the
// record that it is removed, and the one that decided its end: a finish that comes late must find it decided.
type Forget struct {
	UID   mapreduce.UID
	Whole bool
}

// ReadClock asks for the time by the clock of the bus. It comes back as a mapreduce.ClockSeen.
type ReadClock struct{}

// Erase removes the last that is left of a job that was removed long ago: what late attempts have recorded, its end, and at last the record
// that it is removed.
type Erase struct{ UID mapreduce.UID }

func (WriteRecord) command()  {}
func (WriteFailure) command() {}
func (WriteEnd) command()     {}
func (Accept) command()       {}
func (Enqueue) command()      {}
func (OpenQueue) command()    {}
func (CloseQueue) command()   {}
func (HandOn) command()       {}
func (Withdraw) command()     {}
func (MakeLanes) command()    {}
func (DropLanes) command()    {}
func (SweepLanes) command()   {}
func (StoreRoster) command()  {}
func (Tell) command()         {}
func (Reject) command()       {}
func (Answer) command()       {}
func (MakeUpload) command()   {}
func (KeepUploads) command()  {}
func (DropUploads) command()  {}
func (Link) command()         {}
func (MakeBucket) command()   {}
func (Unlink) command()       {}
func (KeepTimeline) command() {}
func (DropTimeline) command() {}
func (Dismiss) command()      {}
func (Forget) command()       {}
func (ReadClock) command()    {}
func (Erase) command()        {}
