package mapreduce

import (
	"fmt"
	"strings"
	"time"
)

// Class says what a worker must be able to do to take a task.
type Class string

// IO is the class of plan and finish tasks: every worker can do them and keeps a slot of their own for them.
const IO Class = "io"

// ownPrefix begins the class of a binary that has programs of its own.
const ownPrefix = "go-"

// BinaryClass is the class of the programs that only one binary has, by a digest of it.
func BinaryClass(digest string) Class { return Class(ownPrefix + digest) }

// OfBinary reports whether the class is that of one binary's own programs.
func (c Class) OfBinary() bool {
	digest, own := strings.CutPrefix(string(c), ownPrefix)
	return own && c.Valid() && token(digest)
}

// Valid reports whether a class can be a part of names on the bus.
func (c Class) Valid() bool { return token(string(c)) && len(c) <= 64 }

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

	Speculative bool `json:"speculative,omitempty"` // another attempt of it runs, and takes long

	Program   string            `json:"program,omitempty"`
	Commands  *Commands         `json:"commands,omitempty"` // map, reduce, finish; instead of a program
	Args      map[string]string `json:"args,omitempty"`
	Inputs    []string          `json:"inputs,omitempty"`     // plan
	SplitSize int64             `json:"split_size,omitempty"` // plan; bytes, 0: chosen for the work
	Blob      int               `json:"blob,omitempty"`       // plan; characters, 0: splits are lines
	Records   Records           `json:"records,omitempty"`    // plan, map
	Ship      []string          `json:"ship,omitempty"`       // plan: inputs that are shipped along
	Files     []Source          `json:"files,omitempty"`      // map, reduce: what they were when the job was planned
	Slots     int               `json:"slots,omitempty"`      // plan: how many maps run at a time, roughly
	Split     *PlanRef          `json:"split,omitempty"`      // map
	Reduces   int               `json:"reduces,omitempty"`    // map: partitions to cut into
	MapOnly   bool              `json:"map_only,omitempty"`   // map, reduce, finish: what maps emit is the rows
	Roster    *RosterRef        `json:"roster,omitempty"`     // reduce: of maps; finish: of reduces
	Target    *Target           `json:"target,omitempty"`     // plan (to look at), reduce (its order), finish
	Decided   bool              `json:"decided,omitempty"`    // finish: the job is decided to be done; only publishing is left

	Lanes      []Generation `json:"lanes,omitempty"`      // reduce, finish: the generations of lanes to read; none: the first
	Partitions Ranges       `json:"partitions,omitempty"` // map that runs again: publish these alone; none: all
	Careful    bool         `json:"careful,omitempty"`    // map: one record at a time, to know which one the program cannot take
	SkipBad    int          `json:"skip_bad,omitempty"`   // map that is careful: so many such records may be left out
	Moves      []Move       `json:"moves,omitempty"`      // map, reduce: what is not published on lanes of the task's generation
	Avoid      []WorkerID   `json:"avoid,omitempty"`      // workers that lack the input, or room, or that run the task already
}

// Move says that what a task makes for some partitions goes on lanes of a later generation than its own: the server that
// had the lanes is gone.
type Move struct {
	Generation Generation `json:"generation"`
	Partitions Ranges     `json:"partitions,omitempty"` // map; of a reduce there is one lane only
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

// LaneTo is the lane on which a map or reduce publishes what the reader is to read: of the last move that has it, else of
// the task's own generation.
func (t Task) LaneTo(reader Phase, partition int) Lane {
	lane := Lane{UID: t.ID.UID, Reader: reader, Partition: partition, Generation: t.ID.Generation}
	for _, m := range t.Moves {
		if reader == Finish || m.Partitions.Has(partition) {
			lane.Generation = m.Generation
		}
	}
	return lane
}

// Lane is the lane that a reduce or finish task reads.
func (t TaskID) Lane() Lane { return Lane{t.UID, t.Phase, t.N, t.Generation} }

// Delivery is a task that the queue handed to a worker, and the means to give it back or settle it.
type Delivery struct {
	Task     Task
	Receipt  string        // the ack subject; whoever knows it can settle the delivery
	Patience time.Duration // the queue hands the task to another when it hears nothing of it for so long
	Count    int           // the how manieth time the queue hands it out; 0: unknown
	Queued   time.Time     // when it was put into the queue, by the bus's clock; zero: unknown
	Repeated bool          // somebody may have been given it before
}

// Settlement is how a worker gives a delivery back.
type Settlement int

// The ways to settle a delivery.
const (
	Complete Settlement = iota // the task is committed; it leaves the queue
	HandBack                   // somebody else shall do it, at once; no attempt is charged
	Later                      // the same after a moment, because haste would make it worse: the bus is in trouble, or it would come straight back
	Discard                    // the attempt failed, and a record says so; the leader queues the task again
)
