package streaming

import (
	"fmt"
	"sync/atomic"
	"time"
)

// watch sees whether a process gives signs of life: it has taken of its stdin, or written. Only while its attempt waits for it: who has
// nothing to do may be silent.
type watch struct {
	patience time.Duration
	clock    clock
	begun    time.Time
	last     atomic.Int64 // sign of life, after begun
	ticks    <-chan time.Time
	end      func()
}

// begin is the first sign of life.
func (w *watch) begin() {
	w.begun = w.clock.now()
	w.ticks, w.end = w.clock.every(max(w.patience/8, 1))
}

// beat is a sign of life.
func (w *watch) beat() { w.last.Store(int64(w.clock.now().Sub(w.begun))) }

func (w *watch) silent() bool {
	return w.clock.now().Sub(w.begun)-time.Duration(w.last.Load()) >= w.patience
}

func (w *watch) err() error {
	return fmt.Errorf("silent for %s: it neither read nor wrote, and was killed; a `reporter:status:` line on stderr keeps it alive, "+
		"--silence allows more", w.patience)
}

// clock is the time.
type clock struct {
	now   func() time.Time
	every func(time.Duration) (ticks <-chan time.Time, end func())
}

func realClock() clock {
	return clock{now: time.Now, every: func(d time.Duration) (<-chan time.Time, func()) {
		ticker := time.NewTicker(d)
		return ticker.C, ticker.Stop
	}}
}
