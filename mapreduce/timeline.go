package mapreduce

import "time"

// Timeline is how the tasks of one job went: what a page draws of it. It fits one message.
type Timeline struct {
	Job        Status          `json:"job"`
	Phases     []PhaseTimes    `json:"phases,omitempty"`     // those that have begun, in the order of a job's life
	Attempts   []AttemptTime   `json:"attempts,omitempty"`   // by their beginning
	Hidden     int             `json:"hidden,omitempty"`     // so many more attempts than there is room for: of those that went as most did
	Workers    []WorkerShare   `json:"workers,omitempty"`    // by name
	Partitions []PartitionSize `json:"partitions,omitempty"` // the largest first
	Earlier    bool            `json:"earlier,omitempty"`    // an earlier leader has seen some of it: attempts may be missing that failed
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
	Speculative int         `json:"speculative,omitempty"`
	Began       time.Time   `json:"began,omitzero"` // its first attempt
	Ended       time.Time   `json:"ended,omitzero"` // its last commit, once it is complete
	Took        Quantiles   `json:"took,omitzero"`  // of committed attempts
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
	OutcomeLost      Outcome = "lost"   // its worker fell silent
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
