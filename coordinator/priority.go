package coordinator

import (
	"cmp"
	"slices"
	"time"
)

// Jobs of one pool and class share its slots in turn, as far as they have the same priority. Of those with a higher one the tasks are queued
// first, all of them: what has a lower priority waits until nothing of theirs is left to queue, and if they have enough to do, for as
// long as they run. What stands in the queue before them, and nobody has been given yet, steps back at the next look at the queue. What runs
// is not stopped.
//
//	priority 0   ▪▪▪▪▪▪▪▪▪▪ its window ─▶ steps back         ▪▪▪▪▪▪ …
//	priority 5              comes ─▶ ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪

// inTurn is the jobs in the order in which they are served: by priority, and each time beginning with another, so that of equal ones none
// is always first at what there is.
func (s *State) inTurn() []*job {
	if len(s.live) == 0 {
		return nil
	}
	at := s.turn % len(s.live)
	s.turn++
	turn := slices.Concat(s.live[at:], s.live[:at])
	if s.ranked {
		slices.SortStableFunc(turn, func(a, b *job) int { return cmp.Compare(b.spec.Priority, a.spec.Priority) })
	}
	return turn
}

// yields reports whether a job must wait with its tasks for those of another that goes first.
func (s *State) yields(j *job, l line) bool {
	return s.ranked && slices.ContainsFunc(s.live, func(first *job) bool {
		return first.spec.Priority > j.spec.Priority && s.presses(first, l)
	})
}

// presses reports whether a job has tasks that could be queued there now, and are not.
func (s *State) presses(j *job, l line) bool {
	if j.pool() != l.pool || j.state.Final() || j.doom != "" || s.now.Before(j.resume) {
		return false
	}
	for _, p := range j.active() {
		if s.class(j, p.name) == l.class && p.presses(func(n int) bool { return j.heldBack(p.name, n) }) {
			return true
		}
	}
	return false
}

// presses reports whether a phase has tasks that are neither committed nor queued nor held back.
func (p *phase) presses(heldBack func(n int) bool) bool {
	for at := p.next; at < p.total; at++ {
		switch n := p.number(at); {
		case p.committed(n):
			if at == p.next { // it need not be looked at again
				p.next++
			}
		case !heldBack(n):
			return true
		}
	}
	return len(p.again(heldBack)) > 0
}

// giveWay takes tasks out of the queue that stand before those of a higher priority, of what has not been handed out when somebody looked.
// They are queued again behind, when whoever was given one meanwhile has said so. What is done within a moment stays.
func (s *State) giveWay(l line, delivered uint64) {
	if !s.ranked || !s.leading {
		return
	}
	last := map[int]uint64{} // of each priority: where its last task stands
	soon := map[*phase]bool{}
	s.eachQueued(l, delivered, func(j *job, p *phase, _ int, t *task) {
		last[j.spec.Priority] = max(last[j.spec.Priority], t.seq)
		soon[p] = p.pace > 0 && p.pace*time.Duration(p.queued) < time.Duration(s.slots[l])*s.config.Resettle
	})
	var back []uint64
	s.eachQueued(l, delivered, func(j *job, p *phase, n int, t *task) {
		if t.seq < higher(last, j.spec.Priority) && t.copy == nil && !soon[p] && !s.held(j.task(p, n)) {
			p.mark(t, false)
			back, j.stepped = append(back, t.seq), s.now
		}
	})
	s.callOff(back)
}

// higher is where the last task of a higher priority stands, or 0.
func higher(last map[int]uint64, than int) (seq uint64) {
	for priority, of := range last {
		if priority > than {
			seq = max(seq, of)
		}
	}
	return seq
}

// eachQueued goes through the tasks that stand in a queue behind what has been handed out, in no order.
func (s *State) eachQueued(l line, delivered uint64, do func(j *job, p *phase, n int, t *task)) {
	for _, j := range s.live {
		if j.pool() != l.pool || j.state.Final() {
			continue
		}
		for _, p := range j.active() {
			if s.class(j, p.name) != l.class {
				continue
			}
			for n, t := range p.tasks {
				if t.queued && t.seq > delivered {
					do(j, p, n, t)
				}
			}
		}
	}
}
