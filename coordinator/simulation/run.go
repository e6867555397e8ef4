package simulation

import (
	"fmt"
	"strings"
	"time"
)

// Result is what became of a run.
type Result struct {
	Seed        uint64
	Violation   error    // what was promised and did not hold; nil: everything held
	Tail        []string // the last lines of the trace, if there was a violation
	Tally       Tally
	Fingerprint uint64 // equal for equal runs
}

// Tally counts what happened in a run.
type Tally struct {
	Jobs     int // taken up
	Tasks    int // committed
	Attempts int // begun
	Steps    int // of all leaders
	Leaders  int
	Pauses   int // of leaders
	Leases   int // that leaders lost while they went on
	Crashes  int // of workers
	Silences int // of workers: paused, or stopped
	Refused  int // records of deposed leaders

	Losses      int // messages that vanished
	Withdrawn   int // messages that a leader took out of the queue
	Redelivered int // messages that came again: handed back, handed on, past the deadline, doubled
	Failures    int // attempts that failed
	Late        int // records that reached a leader seconds late: it may take a task for gone meanwhile
	Vanished    int // lanes that lost runs, or all
	Away        int // lanes, with their server
	Repairs     int
	Moves       int // of lanes that are out of reach
	Spoiled     int // attempts that could not make again what was decided
	Quarantined int // records that finished jobs have left out
	Repeats     int // records that were written twice
	Stale       int // reads
	Speculated  int // messages of tasks that took long
	Dismissed   int // attempts
	Avoided     int // deliveries that workers left to others
	Requests    int // answered
	Removed     int // jobs
	Erased      int // of these
	Retained    int // jobs that no user removed, and that were
	Dropped     int // queues that nobody needed
	Warm        int // leaders that had stood by
	Timelines   int // kept
	Virtual     time.Duration
}

// Run simulates one cluster until all its jobs have ended, or something that was promised does not hold.
func Run(config Config) Result {
	w := newWorld(config.withDefaults())
	w.begin()
	for w.violation == nil && !w.drained && w.tick() {
	}
	w.tally.Virtual = w.now
	result := Result{
		Seed: config.Seed, Violation: w.violation, Tally: w.tally,
		Fingerprint: w.rng.Uint64() ^ w.set<<32 ^ uint64(w.now) ^ w.told,
	}
	if w.violation != nil {
		result.Tail = w.trace.tail()
	}
	return result
}

// String tells how a run went, and how to see it again.
func (r Result) String() string {
	if r.Violation == nil {
		return fmt.Sprintf("seed %d: all held: %+v", r.Seed, r.Tally)
	}
	return fmt.Sprintf("seed %d: %s\n%s\nrun it again with JETREDUCE_SEED=%d",
		r.Seed, r.Violation, strings.Join(r.Tail, "\n"), r.Seed)
}
