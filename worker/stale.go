package worker

import (
	"errors"
	"time"

	"jetreduce/mapreduce"
)

// A finish decides how its job ends. That must not be for a job that was removed so long ago that nobody remembers it: so it has a bounded
// time, from when it was put into the queue.
//
//	queued ──── waits ────▶ begun ──── executed ────▶ decides
//	  └─ half of LongestFinish ─┘                        │
//	  └───────────────── LongestFinish ──────────────────┘

// errStale: the message stood in the queue for so long that its job may be forgotten.
var errStale = errors.New("it was queued too long ago")

// stale reports whether a finish waited too long to be begun. It leaves the queue: whoever leads queues it again if it is needed.
func (a *attempt) stale() bool {
	return a.task.ID.Phase == mapreduce.Finish && a.age() > mapreduce.LongestFinish/2
}

// age is how long ago the task was queued, or begun, by the clock on the wall too: that of a machine that sleeps stands still.
func (a *attempt) age() time.Duration {
	now, age := time.Now(), time.Duration(0)
	for _, since := range []time.Time{a.queued, a.begun} {
		if !since.IsZero() {
			age = max(age, now.Sub(since), now.Round(0).Sub(since.Round(0)))
		}
	}
	return age
}
