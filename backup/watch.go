package backup

import (
	"time"

	"jetreduce/mapreduce"
)

// watch counts for how long a leadership has not moved, as far as looks can tell. It is pure: the time is handed in.
//
//	look ──── look ──── look ─ ✗ ─ ✗ ─────── look ──── look ──── look
//	   counted   counted    nothing, start again   counted   counted
type watch struct {
	config Config
	seen   mapreduce.Leadership
	at     time.Time     // when it was seen; zero: not since the bus was away
	quiet  time.Duration // for how long it has stood like that
}

// saw takes in a look. Time counts from one look to the next, if they follow each other closely: in a longer gap the bus
// was away, or this process was paused. What was counted before a gap is void too, since the leader went through it as
// well, and must have all of Silence to come back.
func (w *watch) saw(now time.Time, seen mapreduce.Leadership) {
	gap := now.Sub(w.at)
	if w.at.IsZero() || gap > w.config.callLimit() || seen != w.seen {
		w.quiet = 0
	} else {
		w.quiet += gap
	}
	w.at, w.seen = now, seen
}

// blind takes in a look that failed.
func (w *watch) blind() { w.at = time.Time{} }

// due reports whether to take over from what was seen last.
func (w *watch) due() bool {
	switch {
	case w.seen.Released:
		return true
	case w.seen.Epoch == 0:
		return w.quiet >= w.config.FirstWait
	default:
		return w.quiet >= w.config.Silence
	}
}
