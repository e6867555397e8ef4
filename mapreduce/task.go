package mapreduce

import (
	"fmt"
	"time"
)

// Class says what a worker must be able to do to take a task.
type Class string

// IO is the class of plan and finish tasks: every worker can do them and keeps a slot of their own for them.
const IO Class = "io"

// Pool is a group of workers; tasks of one pool are not seen by another.
type Pool string

// DefaultPool is the pool of workers and jobs that name none.
const DefaultPool Pool = "default"

// Task is what stands in the work queue: references to the work, never its data. The fields behind Round are those that
// the task's phase needs.
type Task struct {
	Version int    `json:"v"`
	ID      TaskID `json:"task"`
	Job     JobID  `json:"job"`
	Pool    Pool   `json:"pool"`
	Class   Class  `json:"class"`
	Epoch   Epoch  `json:"epoch"` // of the leader that put it into the queue
	Round   int    `json:"round"` // how often that leader has done so

	Program   string            `json:"program,omitempty"`
	Args      map[string]string `json:"args,omitempty"`
	Inputs    []string          `json:"inputs,omitempty"`     // plan
	SplitSize int64             `json:"split_size,omitempty"` // plan; bytes, 0: chosen for the work
	Slots     int               `json:"slots,omitempty"`      // plan: how many maps run at a time, roughly
	Split     *PlanRef          `json:"split,omitempty"`      // map
	Reduces   int               `json:"reduces,omitempty"`    // map: partitions to cut into
	Roster    *RosterRef        `json:"roster,omitempty"`     // reduce: of maps; finish: of reduces
	Target    *Target           `json:"target,omitempty"`     // reduce (its order), finish
	Decided   bool              `json:"decided,omitempty"`    // finish: the job is decided to be done; only publishing is left
}

// Lane names the way on which runs travel to the one task that reads them: a reduce (map output of its partition) or
// the finish (the reduced partitions).
type Lane struct {
	UID        UID
	Reader     Phase // Reduce or Finish
	Partition  int   // Reduce: its number; Finish: 0
	Generation Generation
}

// String names the lane in messages; what it is called on the bus, package bus says.
func (l Lane) String() string {
	return fmt.Sprintf("%s %s %d generation %d", l.UID, l.Reader, l.Partition, l.Generation)
}

// Lane is the lane that a reduce or finish task reads.
func (t TaskID) Lane() Lane { return Lane{t.UID, t.Phase, t.N, t.Generation} }

// Delivery is a task that the queue handed to a worker, and the means to give it back or settle it.
type Delivery struct {
	Task     Task
	Receipt  string        // the ack subject; whoever knows it can settle the delivery
	Patience time.Duration // the queue hands the task to another when it hears nothing of it for so long
}

// Settlement is how a worker gives a delivery back.
type Settlement int

// The ways to settle a delivery.
const (
	Complete Settlement = iota // the task is committed; it leaves the queue
	HandBack                   // somebody else shall do it, at once; no attempt is charged
	Later                      // the same after a moment: the bus itself is in trouble, and haste would add to it
	Discard                    // the attempt failed, and a record says so; the leader queues the task again
)
