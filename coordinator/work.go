package coordinator

import (
	"time"

	"jetreduce/mapreduce"
)

// work is what the workers say that they run. It is put together when a step first asks for it, for all jobs at once: it
// takes as long as there are slots, so that whoever asks for each commit, or for each job of many, asks too often.
type work struct {
	held map[mapreduce.TaskID]holding
	read map[mapreduce.UID]int64 // bytes of input that running maps have read, by job
}

// holding is who runs a task.
type holding struct {
	attempts int                // that no record has ended
	worker   mapreduce.WorkerID // of one of them
	elapsed  time.Duration      // since it began: the worker's own clock says so, and this one's since it was heard
	furthest int64              // bytes of input that one of the attempts has read, ended or not
}

// running is what the workers run.
func (s *State) running() *work {
	if s.work != nil {
		return s.work
	}
	s.work = &work{held: make(map[mapreduce.TaskID]holding, len(s.workers)), read: map[mapreduce.UID]int64{}}
	for id, m := range s.workers {
		for _, r := range m.beat.Running {
			h := s.work.held[r.Task]
			if !s.ended(r) {
				h.attempts++
				h.worker, h.elapsed = id, m.elapsed(r, s.now)
			}
			if ahead := r.Progress - h.furthest; ahead > 0 && s.unread(r.Task) { // of several attempts, the one that is ahead counts
				h.furthest += ahead
				s.work.read[r.Task.UID] += ahead
			}
			s.work.held[r.Task] = h
		}
	}
	return s.work
}

// elapsed is how long an attempt of a worker has run: the worker's own clock says so, and this one's since it was heard.
func (m *member) elapsed(r mapreduce.Running, now time.Time) time.Duration {
	return m.beat.At.Sub(r.Since) + now.Sub(m.heard)
}

// held reports whether a live worker says that it runs a task. A heartbeat may be older than the record that its attempt
// has ended: such an attempt holds nothing.
func (s *State) held(id mapreduce.TaskID) bool { return s.running().held[id].attempts > 0 }

// ended reports whether a record says that the attempt failed or is lost.
func (s *State) ended(r mapreduce.Running) bool {
	_, p := s.find(r.Task)
	if p == nil {
		return false
	}
	t := p.tasks[r.Task.N]
	return t != nil && t.ended[r.Attempt]
}

// unread reports whether a task reads input that is not counted yet.
func (s *State) unread(id mapreduce.TaskID) bool {
	if id.Phase != mapreduce.Map || id.Generation != firstGeneration {
		return false
	}
	_, p := s.find(id)
	return p != nil && !p.committed(id.N)
}
