package mapreduce

import "time"

// Status is what a user sees of a job; its JSON answers `nats req jetreduce.api.status ID`.
type Status struct {
	ID          JobID         `json:"id"`
	UID         UID           `json:"uid"`
	Spec        string        `json:"spec"` // the digest of the job's description
	State       State         `json:"state"`
	Phase       Phase         `json:"phase,omitempty"` // of the tasks that it waits for
	Program     string        `json:"program"`
	Pool        Pool          `json:"pool,omitempty"`     // of workers that run it; "": DefaultPool
	Priority    int           `json:"priority,omitempty"` // jobs with a higher one go first
	Maps        Progress      `json:"maps"`
	Reduces     Progress      `json:"reduces"`
	Attempts    AttemptCounts `json:"attempts"`
	Epoch       Epoch         `json:"epoch"`
	Inputs      int           `json:"inputs,omitempty"` // files and the like that the job reads
	Bytes       Extent        `json:"bytes"`            // of input
	Records     int64         `json:"records,omitempty"`
	Groups      int64         `json:"groups,omitempty"`
	Rows        int64         `json:"rows,omitempty"`
	Quarantined int           `json:"quarantined,omitempty"` // records that the program could not take, and that were left out
	Counters    Counters      `json:"counters,omitempty"`    // of committed attempts
	Error       string        `json:"error,omitempty"`
	Output      Target        `json:"output"`
	Waiting     string        `json:"waiting,omitempty"` // what the job waits for, in words
	Idle        bool          `json:"idle,omitempty"`    // and there is nobody who could do it
	Since       time.Time     `json:"since,omitzero"`    // when it was taken up
	Ended       time.Time     `json:"ended,omitzero"`    // when it was done, or failed, or was cancelled
}

// Answer is what a leader answers: an error, or what was asked for.
type Answer struct {
	Error      string
	Unknown    bool // the error is that there is no such job
	Status     *Status
	Jobs       *JobList
	Workers    []Member
	Upload     string
	Quarantine *[]BadRecord // in the order in which they stand
	Timeline   *Timeline
	Vitals     *Vitals
}

// JobList is the jobs that were submitted last, the latest first.
type JobList struct {
	Jobs []Status `json:"jobs"`
	More int      `json:"more,omitempty"` // so many earlier ones are left out
}

// Member is a worker as users see it.
type Member struct {
	Worker  WorkerID      `json:"worker"`
	Host    string        `json:"host"`
	Pool    Pool          `json:"pool,omitempty"` // "": DefaultPool
	Slots   map[Class]int `json:"slots"`
	Running []Running     `json:"running"`
	Hidden  int           `json:"hidden,omitempty"` // so many more attempts than the list has room for
	Silent  float64       `json:"silent"`           // seconds since its last heartbeat, about
}

// Progress counts the tasks of a phase.
type Progress struct {
	Total int `json:"total"`
	Done  int `json:"done"`
}

// Extent counts bytes.
type Extent struct {
	Total int64 `json:"total"`
	Done  int64 `json:"done"`
}

// AttemptCounts counts executions: committed ones by phase, and the others by how they ended.
type AttemptCounts struct {
	Map         int `json:"map"`
	Reduce      int `json:"reduce"`
	Failed      int `json:"failed"`
	Lost        int `json:"lost"`
	Speculative int `json:"speculative"` // begun beside another of their task; as far as the present leader knows
}
