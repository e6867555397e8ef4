package onejob

import "time"

const mostSilence = time.Minute

// reminder says when to say again what has not changed: at a first time, and then after pauses that double up to a minute.
type reminder struct {
	next  time.Time
	pause time.Duration
}

func remindFrom(first time.Time) reminder { return reminder{first, time.Second} }

// due reports whether it is time to say it.
func (r *reminder) due(now time.Time) bool {
	if now.Before(r.next) {
		return false
	}
	r.pause = min(2*r.pause, mostSilence)
	r.next = now.Add(r.pause)
	return true
}
