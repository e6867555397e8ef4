package coordinator

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// A straggler is a task that runs much longer than others of its phase did: a slow disk, a machine that is busy with other
// things. When there is nothing else to do, it is queued once more for another worker; the first commit wins (paper, 3.6:
// backup tasks). The copy is a second message of the same task, and changes nothing else.

// copied is the second message of a task.
type copied struct {
	round int
	seq   uint64 // in the queue; 0: not known yet
	gone  bool   // at the last look, the queue had settled it without a commit
}

// paces is how long the last tasks of a phase took.
type paces []time.Duration

// maxPaces bounds what is kept of them.
const maxPaces = 64

func (p paces) plus(took time.Duration) paces {
	if took <= 0 {
		return p
	}
	if len(p) == maxPaces {
		p = p[1:]
	}
	return append(p, took)
}

// median is that of the tasks kept, or 0.
func (p paces) median() time.Duration {
	if len(p) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(p))[len(p)/2]
}

// speculate queues the stragglers of a job once more, the slowest first, as many as are allowed.
func (s *State) speculate(j *job) {
	if !s.leading || j.doom != "" || s.now.Before(j.resume) {
		return
	}
	for _, p := range j.active() {
		stragglers := s.stragglers(j, p)
		if len(stragglers) == 0 {
			continue
		}
		room := max(0, s.speculations(s.line(j, p.name)))
		for _, n := range stragglers[:min(len(stragglers), room)] {
			s.copy(j, p, n, s.running().held[j.task(p, n)].worker)
		}
	}
}

// speculations is how many more tasks of a pool and class may be queued once more: a tenth of those that run, but at least one.
func (s *State) speculations(l line) int {
	running, copies := 0, 0
	for _, m := range s.workers {
		for _, r := range m.beat.Running {
			if m.pool() == l.pool && takesSlot(r.Task.Phase, l.class) {
				running++
			}
		}
	}
	for _, j := range s.live {
		for _, p := range j.active() {
			for _, t := range p.tasks {
				if t.copy != nil && s.line(j, p.name) == l {
					copies++
				}
			}
		}
	}
	return max(1, running/10) - copies
}

// stragglers is the tasks of a phase that run much longer than most have taken, the slowest first. There is none as long as
// other tasks wait, or too few are done to tell.
func (s *State) stragglers(j *job, p *phase) []int {
	usual := p.paces.median()
	if p.next < p.total || usual == 0 || 2*p.done < p.total {
		return nil
	}
	limit := max(time.Duration(s.config.Straggling)*usual, s.config.StragglerAge)
	elapsed, spare := map[int]time.Duration{}, s.spare(s.line(j, p.name))
	for n, t := range p.tasks {
		by := s.running().held[j.task(p, n)]
		if by.attempts != 1 || t.copy != nil || by.elapsed <= limit || j.heldBack(p.name, n) {
			continue
		}
		if t.suits(spare, by.worker) {
			elapsed[n] = by.elapsed
		}
	}
	return slices.SortedFunc(maps.Keys(elapsed), func(a, b int) int {
		return cmp.Or(cmp.Compare(elapsed[b], elapsed[a]), a-b)
	})
}

// spare is the workers that have nothing to do.
func (s *State) spare(l line) (spare []mapreduce.WorkerID) {
	for id, m := range s.workers {
		if s.free(m, l) > 0 {
			spare = append(spare, id)
		}
	}
	return spare
}

// suits reports whether one of these workers, other than the one that runs the task, could run it.
func (t *task) suits(spare []mapreduce.WorkerID, by mapreduce.WorkerID) bool {
	return slices.ContainsFunc(spare, func(id mapreduce.WorkerID) bool {
		_, absent := t.absent[id]
		return id != by && !absent
	})
}

// copy queues a task once more, for others than the one that runs it.
func (s *State) copy(j *job, p *phase, n int, by mapreduce.WorkerID) {
	t := p.task(n)
	round, seq := t.round, t.seq
	task := s.queue(j, p, n)
	t.copy = &copied{round: task.Round}
	t.round, t.seq = round, seq // the first message is still what the task stands for
	task.Speculative = true
	task.Avoid = append(task.Avoid, by)
	j.tries.Speculative++
	j.charted().course(p.name).speculative++
	s.tally.of(p.name).Speculative++
	s.do(Enqueue{[]mapreduce.Task{task}})
}

// dropCopy forgets the second message of a task, and takes it out of the queue.
func (s *State) dropCopy(t *task) {
	if t.copy != nil && t.copy.seq > 0 {
		s.do(Withdraw{[]uint64{t.copy.seq}})
	}
	t.copy = nil
}

// lookAtCopy forgets the second message of a task when the queue has settled it and there is no commit: those who got it left
// it to others, or died. As with the first it must be seen twice.
func (t *task) lookAtCopy(settled uint64) {
	switch c := t.copy; {
	case c == nil || c.seq == 0 || c.seq > settled:
	case c.gone:
		t.copy = nil
	default:
		c.gone = true
	}
}

// settleCopy calls off the message that has lost, and whoever runs it.
func (s *State) settleCopy(id mapreduce.TaskID, t *task) {
	if t == nil || t.copy == nil {
		return
	}
	var seqs []uint64
	for _, seq := range []uint64{t.seq, t.copy.seq} {
		if seq > 0 {
			seqs = append(seqs, seq)
		}
	}
	if len(seqs) > 0 {
		s.do(Withdraw{seqs})
	}
	s.do(Dismiss{mapreduce.Over{UID: id.UID, Task: &id}})
}
