package mapreduce

// Event is one thing that the leader learns: of the world (Submitted, Beat, Tick, Asked, QueueSeen), of durable records
// (Restored, Commit, Failure, End), or of what became of its own commands (TaskQueued, Refused).
//
//	taking over:  Restored… Commit… Failure… End… Replayed
//	leading:      any, in any order
type Event interface{ event() }

// Submitted: a job came in through the jobs stream, perhaps not for the first time. Bad says why it cannot be read.
type Submitted struct {
	Seq uint64 // in the jobs stream
	UID UID    // fresh, for the case that it is taken up
	Job Job
	Bad string
}

// Restored: a state record that an earlier leader wrote.
type Restored struct{ Record Record }

// Replayed: all records up to this leader's own barrier have been handed in; from here on it leads.
type Replayed struct{}

// Tick: some time has passed.
type Tick struct{}

// Asked: somebody wants the status of a job, on subject Reply.
type Asked struct {
	Job   JobID
	Reply string
}

// QueueSeen: the queue of one class has handed out and seen settled every task up to stream sequence Settled.
type QueueSeen struct {
	Class   Class
	Settled uint64
}

// TaskQueued: a task stands in the queue at stream sequence Seq.
type TaskQueued struct {
	Task  TaskID
	Round int
	Seq   uint64
}

// Refused: the bus refused a command for this job, and will again.
type Refused struct {
	UID    UID
	Reason string
}

func (Submitted) event()  {}
func (Restored) event()   {}
func (Replayed) event()   {}
func (Tick) event()       {}
func (Asked) event()      {}
func (QueueSeen) event()  {}
func (TaskQueued) event() {}
func (Refused) event()    {}
func (Commit) event()     {}
func (Failure) event()    {}
func (End) event()        {}
func (Beat) event()       {}
