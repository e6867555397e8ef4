package mapreduce

import "time"

// Event is one thing that the leader learns: of the world (Submitted, Beat, Tick, Asked, QueueSeen), of durable records
// (Restored, Commit, Failure, End), or of what became of its own commands (TaskQueued, Refused, QueueOpened, LanesGone, Linked,
// ClockSeen).
//
//	taking over:  Restored… Commit… Failure… End… Replayed
//	leading:      any, in any order
type Event interface{ event() }

// Submitted: a job came in, through the jobs stream (perhaps not for the first time) or as a request. Bad says why it
// cannot be read.
type Submitted struct {
	Seq   uint64 // in the jobs stream; 0: a request
	Reply string // of a request
	UID   UID    // fresh, for the case that it is taken up
	Job   Job
	Exec  bool // it came where only those may publish who may submit commands
	Bad   string
}

// Restored: a state record that an earlier leader wrote.
type Restored struct{ Record Record }

// Replayed: all records up to this leader's own barrier have been handed in; from here on it leads.
type Replayed struct{}

// Tick: some time has passed.
type Tick struct{}

// Asked: somebody wants something, and an Answer on subject Reply.
type Asked struct {
	Want  Want
	Job   JobID
	UID   UID // fresh, for what needs one
	Reply string
}

// Want is what somebody asks a leader for.
type Want string

// What can be asked for; the names are the last tokens of the request subjects.
const (
	WantStatus     Want = "status"
	WantList       Want = "list"
	WantWorkers    Want = "workers"
	WantCancel     Want = "cancel"
	WantRetry      Want = "retry"
	WantRemove     Want = "remove"
	WantQuarantine Want = "quarantine" // the records that a job has left out
	WantUpload     Want = "upload"     // a place for input that the bus is to carry, under a name or a new one
	WantDiscard    Want = "discard"    // to drop an upload, unless a job names it
	WantTimeline   Want = "timeline"   // how the tasks of a job go or went
	WantVitals     Want = "vitals"     // how the whole system is
)

// QueueSeen: the queue of one pool and class has handed out every task up to stream sequence Delivered, and has seen settled
// every task up to Settled.
type QueueSeen struct {
	Pool      Pool // "": DefaultPool
	Class     Class
	Settled   uint64
	Delivered uint64
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

// LanesGone: these lanes of one submission cannot be written or read, and cannot be made again under their names: the
// only server that had them is away.
type LanesGone struct{ Lanes []Lane }

// Linked: the result of a submission appears under its user's name, or it cannot, for good.
type Linked struct {
	UID     UID
	Trouble string
}

// QueueOpened: workers can pull tasks of a pool and class; or they cannot, and why the bus refuses it.
type QueueOpened struct {
	Pool    Pool
	Class   Class
	Trouble string
}

// ClockSeen: it is that time by the clock of the bus, as whoever asked for it has heard a moment ago.
type ClockSeen struct{ At time.Time }

func (Submitted) event()   {}
func (Restored) event()    {}
func (Replayed) event()    {}
func (Tick) event()        {}
func (Asked) event()       {}
func (QueueSeen) event()   {}
func (TaskQueued) event()  {}
func (Refused) event()     {}
func (LanesGone) event()   {}
func (Linked) event()      {}
func (QueueOpened) event() {}
func (ClockSeen) event()   {}
func (Commit) event()      {}
func (Failure) event()     {}
func (End) event()         {}
func (Beat) event()        {}
