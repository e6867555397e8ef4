package coordinator

import (
	"fmt"
	"maps"
	"slices"

	"jetreduce/mapreduce"
)

// beat takes in a heartbeat. A worker that is new may be the one that jobs wait for.
func (s *State) beat(b mapreduce.Beat) {
	if b.Bye {
		delete(s.workers, b.Worker)
		return
	}
	_, known := s.workers[b.Worker]
	s.workers[b.Worker] = &member{beat: b}
	if !known {
		s.serve()
	}
}

// serve advances all jobs, each time beginning with another: none is always first at what there is.
func (s *State) serve() {
	for i := range s.jobs {
		s.advance(s.jobs[(s.turn+i)%len(s.jobs)])
	}
	s.turn++
}

// tick looks for silent workers, ends the wait after a takeover, and tells users how far their jobs are.
func (s *State) tick() {
	for _, id := range slices.Sorted(maps.Keys(s.workers)) {
		m := s.workers[id]
		if m.silent++; m.silent > s.config.WorkerSilent {
			s.bury(m)
		}
	}
	s.serve()
	for _, j := range s.jobs {
		if !j.state.Final() {
			s.do(Tell{s.status(j)})
		}
	}
}

// bury gives a dead worker's tasks to others: recorded as lost first, so that no leader forgets it, then handed on. If it
// is not dead after all, its late commit is one among several, and the first wins.
func (s *State) bury(m *member) {
	delete(s.workers, m.beat.Worker)
	for _, r := range m.beat.Running {
		j, p := s.find(r.Task)
		if p == nil || p.committed(r.Task.N) || j.state.Final() {
			continue
		}
		s.do(WriteFailure{mapreduce.Failure{
			Version: mapreduce.RecordVersion, Task: r.Task, Attempt: r.Attempt, Lost: true, At: s.now,
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
	held := s.held()
	for _, j := range s.jobs {
		p := j.running()
		if p == nil || s.class(p.name) != e.Class {
			continue
		}
		for n, t := range p.tasks {
			gone := t.queued && t.seq <= e.Settled && !held[j.task(p.name, n)]
			t.queued = t.queued && !(gone && t.missing)
			t.missing = gone
		}
		s.advance(j)
	}
}

// held is the tasks that live workers say they are running. A heartbeat may be older than the record that its attempt
// has ended: such an attempt holds nothing.
func (s *State) held() map[mapreduce.TaskID]bool {
	held := map[mapreduce.TaskID]bool{}
	for _, m := range s.workers {
		for _, r := range m.beat.Running {
			if !s.ended(r) {
				held[r.Task] = true
			}
		}
	}
	return held
}

// ended reports whether a record says that the attempt failed or is lost.
func (s *State) ended(r mapreduce.Running) bool {
	_, p := s.find(r.Task)
	if p == nil {
		return false
	}
	t := p.tasks[r.Task.N]
	return t != nil && t.ended[r.Attempt]
}
