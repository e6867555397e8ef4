package mapreduce

import "time"

// Vitals is how the whole system is, as the leader sees it: what metrics and the head of a page show. What is counted begins
// with this leadership.
type Vitals struct {
	Epoch   Epoch           `json:"epoch"`
	Leader  string          `json:"leader"`           // the process that leads, as users know it
	Since   time.Time       `json:"since,omitzero"`   // when it began to lead
	Jobs    map[State]int   `json:"jobs"`             // that are known, by state
	Tasks   []PhaseVitals   `json:"tasks"`            // by phase, all four
	Queues  []QueueVitals   `json:"queues"`           // by pool and class
	Vacant  []VacancyVitals `json:"vacant,omitempty"` // likewise
	Bytes   ByteCounts      `json:"bytes"`
	Workers int             `json:"workers"`
	Slots   map[Class]int   `json:"slots"`        // of all workers
	Busy    map[Class]int   `json:"busy"`         // of these
	Lost    int64           `json:"lost_workers"` // that fell silent
	Ended   map[State]int64 `json:"ended"`        // jobs that have ended, by how
}

// PhaseVitals counts the tasks and attempts of one phase, of all jobs.
type PhaseVitals struct {
	Phase       Phase         `json:"phase"`
	Queued      int           `json:"queued"`  // stand in the queue, and nobody runs them
	Running     int           `json:"running"` // attempts
	Committed   int64         `json:"committed"`
	Failed      int64         `json:"failed"`
	Lost        int64         `json:"lost"`
	Speculative int64         `json:"speculative"`
	Repeated    int64         `json:"repeated"` // tasks that ran again, since their output was lost
	Took        time.Duration `json:"took"`     // of committed attempts, together
}

// QueueVitals is how the tasks of one pool and class wait.
type QueueVitals struct {
	Pool    Pool          `json:"pool"`
	Class   Class         `json:"class"`
	Waiting int           `json:"waiting"` // tasks that nobody runs
	Oldest  time.Duration `json:"oldest"`  // how long the first of them has waited
}

// VacancyVitals is the jobs that nobody works on, since no worker of their pool can take tasks of their class. Nothing of them stands in
// a queue.
type VacancyVitals struct {
	Pool   Pool          `json:"pool"`
	Class  Class         `json:"class"`
	Jobs   int           `json:"jobs"`
	Oldest time.Duration `json:"oldest"` // how long the first of them has waited
}

// ByteCounts is how much has moved, in bytes, of committed attempts.
type ByteCounts struct {
	In       int64 `json:"in"`       // of input read by maps
	Shuffled int64 `json:"shuffled"` // of runs published, as they travel: compressed
	Out      int64 `json:"out"`      // of output
}
