package mapreduce

import "time"

// Status is what a user sees of a job; its JSON answers `nats req jetreduce.api.status ID`.
type Status struct {
	ID       JobID         `json:"id"`
	UID      UID           `json:"uid"`
	Spec     string        `json:"spec"` // the digest of the job's description
	State    State         `json:"state"`
	Program  string        `json:"program"`
	Maps     Progress      `json:"maps"`
	Reduces  Progress      `json:"reduces"`
	Attempts AttemptCounts `json:"attempts"`
	Epoch    Epoch         `json:"epoch"`
	Bytes    Extent        `json:"bytes"` // of input
	Records  int64         `json:"records,omitempty"`
	Groups   int64         `json:"groups,omitempty"`
	Rows     int64         `json:"rows,omitempty"`
	Error    string        `json:"error,omitempty"`
	Output   Target        `json:"output"`
	Waiting  string        `json:"waiting,omitempty"` // what the job waits for, in words
	Since    time.Time     `json:"since,omitzero"`    // when it was taken up
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
	Speculative int `json:"speculative"`
}
