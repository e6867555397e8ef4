package coordinator

import (
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// phase is the tasks of one kind in one generation: all of them in the first, in a later one those that run again. A
// committed task costs an Attempt and a Digest; only those in flight or in trouble cost more.
type phase struct {
	name       mapreduce.Phase
	generation mapreduce.Generation
	numbers    []int // ascending; nil: all, from 0
	total      int
	done       int
	winners    mapreduce.Roster   // by position; zero: not committed
	digests    []mapreduce.Digest // by position
	next       int                // positions from here on have never been queued by this leader
	tasks      map[int]*task      // by number: not committed, and queued or tried
	queued     int                // of these, so many are in the queue
	counts     mapreduce.Counts
	counters   mapreduce.Counters
	paces      paces
	pace       time.Duration        // of the last tasks, about
	roster     *mapreduce.RosterRef // of the winners, once the phase is complete
}

// task is a task that is in the queue, or was tried.
type task struct {
	queued   bool
	since    time.Time // when it was queued, as far as this leader knows
	rounds   int       // messages of it that this leader has queued
	round    int       // of the message that it stands for
	seq      uint64    // in the queue; 0: not known yet
	copy     *copied   // it was queued once more, since it takes long; or nil
	missing  bool      // at the last look, the queue had settled it without a commit
	outdated bool      // its message in the queue names lanes that were left
	stray    bool      // at the last look, the queue had handed it to nobody who is known
	failures int
	losses   int
	laneless int                             // attempts that found no lane to publish on
	reason   string                          // of the failure that tells most
	which    string                          // failure that is, in words
	ended    map[mapreduce.Attempt]bool      // failed and lost attempts: a record may be seen twice
	absent   map[mapreduce.WorkerID]struct{} // workers that do not have its input
	lacks    string                          // what the last of them said
	avoided  int                             // for so many ticks it has been in the queue, and every worker there is absent
}

func newPhase(name mapreduce.Phase, total int) *phase {
	p := &phase{name: name, generation: firstGeneration, tasks: map[int]*task{}}
	p.size(total)
	return p
}

// newRepairPhase is the phase of the tasks that run again.
func newRepairPhase(r mapreduce.Repair) *phase {
	p := newPhase(r.Phase, 0)
	p.generation, p.numbers = r.Generation, r.Tasks.Numbers()
	p.size(len(p.numbers))
	return p
}

// size sets how many tasks the phase has.
func (p *phase) size(total int) {
	p.total, p.winners, p.digests = total, make(mapreduce.Roster, total), make([]mapreduce.Digest, total)
}

func (p *phase) complete() bool { return p.done == p.total }

// position is where task n stands in the phase, or -1.
func (p *phase) position(n int) int {
	if p.numbers == nil {
		if n < p.total {
			return n
		}
		return -1
	}
	if at, found := slices.BinarySearch(p.numbers, n); found {
		return at
	}
	return -1
}

func (p *phase) number(position int) int {
	if p.numbers == nil {
		return position
	}
	return p.numbers[position]
}

func (p *phase) committed(n int) bool {
	at := p.position(n)
	return at >= 0 && !p.winners[at].IsZero()
}

// task returns what is known of an uncommitted task, which may be nothing yet.
func (p *phase) task(n int) *task {
	t := p.tasks[n]
	if t == nil {
		t = &task{}
		p.tasks[n] = t
	}
	return t
}

// commit notes the winner of a task, and reports whether that was news.
func (p *phase) commit(c mapreduce.Commit) bool {
	at := p.position(c.Task.N)
	if at < 0 || !p.winners[at].IsZero() {
		return false
	}
	p.winners[at], p.digests[at] = c.Attempt, c.Digest
	p.done++
	p.counts, p.counters = p.counts.Plus(c.Counts), p.counters.Add(c.Counters)
	p.paces = p.paces.plus(c.Took)
	if p.pace += (c.Took - p.pace) / 8; p.done == 1 {
		p.pace = c.Took
	}
	if t := p.tasks[c.Task.N]; t != nil {
		p.mark(t, false)
		delete(p.tasks, c.Task.N)
	}
	return true
}

// mark notes whether a task is in the queue.
func (p *phase) mark(t *task, queued bool) {
	switch {
	case queued && !t.queued:
		p.queued++
	case !queued && t.queued:
		p.queued--
	}
	t.queued = queued
}

// enter notes that another message of a task goes into the queue.
func (p *phase) enter(n int, now time.Time) *task {
	t := p.task(n)
	if !t.queued { // else a copy joins it
		t.since = now
	}
	p.mark(t, true)
	t.missing, t.stray, t.outdated, t.seq = false, false, false, 0
	t.rounds++
	t.round = t.rounds
	return t
}

// ready picks up to room tasks to queue: those tried before first, then new ones in order. What is held back is passed
// over and looked at again.
func (p *phase) ready(room int, heldBack func(n int) bool) []int {
	if room <= 0 {
		return nil
	}
	picked := p.again(heldBack)
	picked = picked[:min(len(picked), room)]
	for ; len(picked) < room && p.next < p.total; p.next++ {
		n := p.number(p.next)
		switch {
		case p.committed(n):
		case heldBack(n):
			p.task(n)
		default:
			picked = append(picked, n)
		}
	}
	return picked
}

// again is the tasks that were tried, and are not in the queue. Mostly there are none, and many in the queue.
func (p *phase) again(heldBack func(n int) bool) (again []int) {
	if p.queued == len(p.tasks) {
		return nil
	}
	for n, t := range p.tasks {
		if at := p.position(n); !t.queued && at >= 0 && at < p.next && !heldBack(n) {
			again = append(again, n)
		}
	}
	slices.Sort(again) // maps have no order, and Step must be deterministic
	return again
}
