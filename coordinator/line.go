package coordinator

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// line is the tasks of one pool and class: a queue of its own, from which the workers pull that can do them.
type line struct {
	pool  mapreduce.Pool
	class mapreduce.Class
}

func (j *job) pool() mapreduce.Pool { return j.spec.Pool.OrDefault() }

func (m *member) pool() mapreduce.Pool { return m.beat.Pool.OrDefault() }

// line is where the tasks of a job's phase stand.
func (s *State) line(j *job, p mapreduce.Phase) line { return line{j.pool(), s.class(j, p)} }

// class is what a worker must be able to do for a job's tasks. How the rows of a binary's own program look, only that binary knows.
func (s *State) class(j *job, p mapreduce.Phase) mapreduce.Class {
	switch {
	case p == mapreduce.Plan || p == mapreduce.Finish && j.spec.Class == "":
		return mapreduce.IO
	case j.spec.Map != "":
		return mapreduce.Exec
	case j.spec.Class != "":
		return j.spec.Class
	}
	return s.config.Class
}

// slotsFor is how many tasks of a job could run at a time, if there were no other job.
func (s *State) slotsFor(j *job) int { return s.slots[s.line(j, mapreduce.Map)] }

// enlist counts the slots of a worker in, or out when by is -1.
func (s *State) enlist(m *member, by int) {
	pool := m.pool()
	if s.crews[pool] += by; s.crews[pool] == 0 {
		delete(s.crews, pool)
	}
	for class, slots := range m.beat.Slots {
		l := line{pool, class}
		if s.slots[l] += by * slots; s.slots[l] == 0 {
			delete(s.slots, l)
		}
	}
}

// made reports whether a leader makes a queue and drops it: those of the default pool were made with the stream, but for the classes of
// binaries.
func (l line) made() bool {
	return l.pool.Check() == nil && l.class.Valid() && (l.pool != mapreduce.DefaultPool || l.class.OfBinary())
}

// openAgain is when a queue is opened once more for workers that are there: a leader that was deposed, or an operator, may have dropped it.
const openAgain = time.Minute

// opening is how a queue was opened last, and what the bus had against it.
type opening struct {
	at      time.Time
	trouble string
}

// open sees to it that a worker can pull the tasks of its pool and classes.
func (s *State) open(b mapreduce.Beat) {
	if !s.leading {
		return
	}
	for _, class := range slices.Sorted(maps.Keys(b.Slots)) {
		l := line{b.Pool.OrDefault(), class}
		if last, opened := s.openings[l]; l.made() && (!opened || s.now.Sub(last.at) >= openAgain) {
			s.openings[l] = opening{s.now, last.trouble}
			s.do(OpenQueue{l.pool, l.class})
		}
	}
}

// queueOpened takes in whether workers can pull from a queue.
func (s *State) queueOpened(e mapreduce.QueueOpened) {
	l := line{e.Pool.OrDefault(), e.Class}
	if last, opened := s.openings[l]; opened {
		s.openings[l] = opening{last.at, e.Trouble}
	}
}

// closed says why the workers of a job cannot pull its tasks, or nothing.
func (s *State) closed(j *job) string {
	for _, p := range []mapreduce.Phase{mapreduce.Plan, mapreduce.Map, mapreduce.Finish} {
		if l := s.line(j, p); s.openings[l].trouble != "" {
			return fmt.Sprintf("workers of pool %s get no tasks of class %s, since the bus refuses them a queue: %s",
				l.pool, l.class, s.openings[l].trouble)
		}
	}
	return ""
}

// desert drops a queue that no worker serves and no job needs, when that has been so for long: a pool that is given up, or a binary of
// which there is a newer one, would be looked at each second for ever.
func (s *State) desert(l line) {
	if !s.leading || !l.made() || s.slots[l] > 0 || s.needed(l) {
		delete(s.deserted, l)
		return
	}
	since, known := s.deserted[l]
	switch {
	case !known:
		s.deserted[l] = s.now
	case s.now.Sub(since) >= s.config.Deserted:
		delete(s.deserted, l)
		delete(s.openings, l)
		s.do(CloseQueue{l.pool, l.class})
	}
}

// needed reports whether a job that has not ended may have tasks there.
func (s *State) needed(l line) bool {
	return slices.ContainsFunc(s.live, func(j *job) bool {
		return !j.state.Final() && (s.line(j, mapreduce.Plan) == l || s.line(j, mapreduce.Map) == l || s.line(j, mapreduce.Finish) == l)
	})
}
