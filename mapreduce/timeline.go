package mapreduce

import "time"

// Timeline is how the tasks of one job went: what a page draws of it. It fits one message. Of a job that has ended the leader has only the
// status, and the rest is kept beside (Desk.Timeline puts them together); when that is gone, the status is all.
//
// Counts are exact. Of single attempts there are as many as there is room for: those that failed, were lost, beaten or speculative, those
// that run, the slowest, and an even part of the rest; thinned out, evenly, where even these are too many. Times are by the workers'
// clocks, in milliseconds.
type Timeline struct {
	Job        Status          `json:"job"`
	Phases     []PhaseTimes    `json:"phases,omitempty"`     // those that have begun, in the order of a job's life
	Attempts   []AttemptTime   `json:"attempts,omitempty"`   // by their beginning
	Hidden     int             `json:"hidden,omitempty"`     // so many more attempts than there is room for: of those that went as most did
	Workers    []WorkerShare   `json:"workers,omitempty"`    // by name
	Partitions []PartitionSize `json:"partitions,omitempty"` // the largest first
	Earlier    bool            `json:"earlier,omitempty"`    // an earlier leader has seen some of it: attempts may be missing that were beaten

	HiddenWorkers    int   `json:"hidden_workers,omitempty"`    // so many more: those that took less time for a task
	HiddenPartitions int   `json:"hidden_partitions,omitempty"` // so many more: the smaller ones
	MeanPartition    int64 `json:"mean_partition,omitempty"`    // records, of all partitions that are reduced: what the largest compares with
}

// Bounds of a timeline.
const (
	MaxTimeline          = 1000 // attempts
	MaxTimelineShares    = 200  // workers
	MaxTimelinePartition = 200  // partitions
)

// PhaseTimes is how the tasks of one phase went, of all generations. Times are zero where nothing is known.
type PhaseTimes struct {
	Phase       Phase       `json:"phase"`
	Tasks       int         `json:"tasks"`
	Done        int         `json:"done"`
	Running     int         `json:"running,omitempty"`
	Failed      int         `json:"failed,omitempty"`
	Lost        int         `json:"lost,omitempty"`
	Beaten      int         `json:"beaten,omitempty"`
	Speculative int         `json:"speculative,omitempty"`
	Began       time.Time   `json:"began,omitzero"` // its first attempt
	Ended       time.Time   `json:"ended,omitzero"` // its last commit, once it is complete
	Took        Quantiles   `json:"took,omitzero"`  // of committed attempts; exact up to 2048 of them, then within 1/64; Min and Max always
	Slowest     *AttemptRef `json:"slowest,omitempty"`
}

// Quantiles are those of durations, by nearest rank.
type Quantiles struct {
	Min    time.Duration `json:"min"`
	Median time.Duration `json:"median"`
	P90    time.Duration `json:"p90"`
	P99    time.Duration `json:"p99"`
	Max    time.Duration `json:"max"`
}

// AttemptRef names an attempt of a task.
type AttemptRef struct {
	Task    TaskID  `json:"task"`
	Attempt Attempt `json:"attempt"`
}

// AttemptTime is one attempt on a timeline.
type AttemptTime struct {
	AttemptRef
	Outcome     Outcome   `json:"outcome"`
	Began       time.Time `json:"began"`
	Ended       time.Time `json:"ended,omitzero"` // zero: it runs
	Speculative bool      `json:"speculative,omitempty"`
	Straggler   bool      `json:"straggler,omitempty"` // it takes or took much longer than most of its phase
	Reason      string    `json:"reason,omitempty"`    // why it failed or was lost, with the program's last words; abridged
}

// Outcome is what has become of an attempt.
type Outcome string

// The outcomes of attempts.
const (
	OutcomeRunning   Outcome = "running"
	OutcomeCommitted Outcome = "committed"
	OutcomeFailed    Outcome = "failed" // by its own fault
	OutcomeLost      Outcome = "lost"   // by nothing that it did: its worker fell silent, or what it wanted to read was gone
	OutcomeBeaten    Outcome = "beaten" // another attempt of the task was committed first, or the job ended
)

// WorkerShare is what one worker has done for a job.
type WorkerShare struct {
	Worker    WorkerID      `json:"worker"`
	Host      string        `json:"host,omitempty"`
	Committed int           `json:"committed"`
	Took      time.Duration `json:"took"` // of these attempts, together
}

// PartitionSize is how much came together in one partition: how even the keys are spread.
type PartitionSize struct {
	Partition int   `json:"partition"`
	Records   int64 `json:"records"` // read by its reduce
	Groups    int64 `json:"groups"`
	Rows      int64 `json:"rows"`
}
