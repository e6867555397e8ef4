package worker

import (
	"fmt"
	"sync"
	"time"

	"jetreduce/mapreduce"
)

// stranded is the tasks that name lanes on which this worker cannot publish. Who leads makes other lanes, and calls back what stands in the
// queue; but a leader that has just taken over does not know what its predecessor has queued. Each such task would be tried in vain, one
// after the other, when the lanes have been out of reach for long already. So it is given up at once, once: it is queued again, and names
// other lanes when there are any. If it names the same the second time, it is tried.
type stranded struct {
	mu    sync.Mutex
	lanes map[string]*strand
}

// strand is some lanes that a task publishes on.
type strand struct {
	since   time.Time    // when a task could not be published there first
	givenUp map[int]bool // tasks, by number
}

const (
	// strandedWait is for how long tasks are tried: a leader that knows of them has mostly called them back by then.
	strandedWait = 5 * time.Second
	// strandedKnown bounds how many lanes are remembered.
	strandedKnown = 16
)

// lanesOf names the lanes on which a task publishes.
func lanesOf(t mapreduce.Task) string {
	return fmt.Sprint(t.ID.UID, t.ID.Phase, t.ID.Generation, t.Moves)
}

// note remembers that a task could not be published.
func (s *stranded) note(t mapreduce.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := lanesOf(t)
	if s.lanes[name] == nil {
		if s.lanes == nil || len(s.lanes) >= strandedKnown {
			s.lanes = map[string]*strand{}
		}
		s.lanes[name] = &strand{time.Now(), map[int]bool{}}
	}
	s.lanes[name].givenUp[t.ID.N] = true
}

// has reports whether a task is to be given up untried, and takes it that it is.
func (s *stranded) has(t mapreduce.Task) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lanes) == 0 {
		return false
	}
	lanes := s.lanes[lanesOf(t)]
	if lanes == nil || lanes.givenUp[t.ID.N] || time.Since(lanes.since) < strandedWait {
		return false
	}
	lanes.givenUp[t.ID.N] = true
	return true
}

// forget takes in that a task was published: its lanes are there.
func (s *stranded) forget(t mapreduce.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lanes) > 0 {
		delete(s.lanes, lanesOf(t))
	}
}
