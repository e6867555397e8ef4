package coordinator

import (
	"fmt"
	"slices"

	"jetreduce/mapreduce"
)

// beat takes in a heartbeat. A worker that is new may be the one that jobs wait for.
func (s *State) beat(b mapreduce.Beat) {
	was, known := s.workers[b.Worker]
	if known {
		s.chartGone(was.beat.Running, b.Running)
	}
	s.leave(b.Worker)
	if b.Bye {
		return
	}
	m := &member{beat: b, heard: s.now}
	s.workers[b.Worker] = m
	s.enlist(m, 1)
	s.open(b)
	if !known {
		s.serve()
	}
}

// leave forgets a worker, if it is known, and all that it said.
func (s *State) leave(id mapreduce.WorkerID) {
	if m := s.workers[id]; m != nil {
		s.enlist(m, -1)
		s.work = nil
		delete(s.workers, id)
	}
}

// serve advances all jobs.
func (s *State) serve() {
	for _, j := range s.inTurn() {
		s.advance(j)
	}
}

// tick looks for silent workers, ends the wait after a takeover, and tells users how far their jobs are.
func (s *State) tick() {
	s.buryAll()
	s.letGo()
	for _, j := range s.live {
		s.vacant(j)
		s.avoid(j)
	}
	s.serve()
	for _, j := range s.live {
		s.speculate(j)
	}
	for _, j := range s.live {
		if !j.state.Final() {
			s.do(Tell{s.status(j)})
		}
	}
	s.callOffSome()
	s.sweepNext()
	s.retain()
	if s.leading && s.now.Sub(s.looked) >= s.config.SweepEvery {
		s.sweepLanes()
	}
}

// buryAll buries the workers that have fallen silent.
func (s *State) buryAll() {
	var dead []mapreduce.WorkerID
	for id, m := range s.workers {
		if m.silent++; m.silent > s.config.WorkerSilent {
			dead = append(dead, id)
		}
	}
	slices.Sort(dead)
	for _, id := range dead {
		s.bury(s.workers[id])
	}
}

// bury gives a dead worker's tasks to others: recorded as lost first, so that no leader forgets it, then handed on. If it
// is not dead after all, its late commit is one among several, and the first wins.
func (s *State) bury(m *member) {
	s.leave(m.beat.Worker)
	s.tally.lost++
	s.chartGone(m.beat.Running, nil)
	for _, r := range m.beat.Running {
		j, p := s.find(r.Task)
		if p == nil || p.committed(r.Task.N) || j.state.Final() {
			continue
		}
		s.do(WriteFailure{mapreduce.Failure{
			Version: mapreduce.RecordVersion, Task: r.Task, Attempt: r.Attempt, Lost: true, At: s.now,
			Took: max(0, m.elapsed(r, s.now)), Speculative: r.Speculative,
			Reason: fmt.Sprintf("worker %s on %s fell silent", m.beat.Worker, m.beat.Host),
		}})
		if r.Receipt != "" {
			s.do(HandOn{r.Receipt})
		}
	}
}

// reconcile queues again what the queue has lost: a task that it has settled, that no worker holds, and that is not
// committed. Settled may be seen before the commit that came first, so a task must be found missing twice.
func (s *State) reconcile(e mapreduce.QueueSeen) {
	l := line{e.Pool.OrDefault(), e.Class}
	s.desert(l)
	s.giveWay(l, e.Delivered)
	s.callBack(l, e.Delivered)
	idle := s.idle(l)
	for _, j := range s.live {
		var strays []uint64
		for _, p := range j.active() {
			if s.line(j, p.name) != l {
				continue
			}
			for n, t := range p.tasks {
				t.lookAtCopy(e.Settled)
				free := t.queued && !s.held(j.task(p, n))
				stray := free && idle && t.seq > 0 && t.seq <= e.Delivered && len(t.absent) == 0 // one that some avoid goes round
				if p.look(t, free && t.seq <= e.Settled, stray) {
					strays = append(strays, t.seq)
				}
			}
		}
		s.callOff(strays)
		s.advance(j)
	}
}

// look takes in what a look at the queue says of a task. Gone: it is settled; found twice it is queued again. Stray: it was
// handed to somebody, nobody says that he has it, and others have nothing to do: a worker was killed before it named the
// task. Found twice it is queued again too, instead of waiting until the queue loses its patience; then its message, which
// is still there, is reported to be withdrawn.
func (p *phase) look(t *task, gone, stray bool) (withdraw bool) {
	withdraw = stray && t.stray && !gone
	p.mark(t, t.queued && !(gone && t.missing) && !withdraw)
	t.missing, t.stray = gone, stray && !withdraw
	return withdraw
}

// idle reports whether some worker has nothing to do.
func (s *State) idle(l line) bool {
	for _, m := range s.workers {
		if s.free(m, l) > 0 {
			return true
		}
	}
	return false
}

// free is how many more tasks of a pool and class a worker could run.
func (s *State) free(m *member, l line) int {
	if m.pool() != l.pool {
		return 0
	}
	free := m.beat.Slots[l.class]
	for _, r := range m.beat.Running {
		if takesSlot(r.Task.Phase, l.class) {
			free--
		}
	}
	return free
}
