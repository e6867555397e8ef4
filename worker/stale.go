package worker

import (
	"context"
	"errors"
	"fmt"
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

// fresh refuses a finish that waited too long to be begun, by the clock of the bus. It leaves the queue: whoever leads queues it again if it
// is needed.
func (w *Worker) fresh(a *attempt) error {
	if a.task.ID.Phase != mapreduce.Finish || a.onBus.IsZero() {
		return nil
	}
	age, err := w.ageOnBus(a.life, a)
	if err == nil && age > mapreduce.LongestFinish/2 {
		err = errStale
	}
	return err
}

// ageOnBus is how long ago the task was queued, by the clock that says when that was. This machine's may be wrong, or be set right meanwhile.
func (w *Worker) ageOnBus(ctx context.Context, a *attempt) (time.Duration, error) {
	asked := time.Now()
	now, err := w.Queue.Clock(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask the bus for the time: %w", err)
	}
	if ahead := asked.Sub(now); ahead.Abs() > time.Minute {
		w.Log.Warn("the clock of this machine or of the bus is wrong", "ahead", ahead.Round(time.Second))
	}
	age := now.Sub(a.onBus)
	a.queued = asked.Add(-age)
	return age, nil
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
