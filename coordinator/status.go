package coordinator

import (
	"fmt"

	"jetreduce/mapreduce"
)

// answer answers a question about a job.
func (s *State) answer(e mapreduce.Asked) {
	j := s.byID[e.Job]
	if j == nil {
		s.do(Answer{Reply: e.Reply})
		return
	}
	status := s.status(j)
	s.do(Answer{e.Reply, &status})
}

// status is what users see of a job.
func (s *State) status(j *job) mapreduce.Status {
	plan, maps, reduces := j.phases[mapreduce.Plan], j.phases[mapreduce.Map], j.phases[mapreduce.Reduce]
	status := mapreduce.Status{
		ID: j.spec.ID, UID: j.uid, Spec: j.spec.Digest(), State: j.state, Program: j.spec.Program, Epoch: s.config.Epoch,
		Reduces: mapreduce.Progress{Total: j.reduces, Done: reduces.done},
		Records: maps.counts.Records, Groups: reduces.counts.Groups, Rows: reduces.counts.Rows,
		Attempts: j.tries, Error: j.error, Output: j.spec.Output, Waiting: s.waiting(j), Since: j.since,
	}
	status.Attempts.Map, status.Attempts.Reduce = maps.done, reduces.done
	if plan.complete() {
		status.Maps = mapreduce.Progress{Total: maps.total, Done: maps.done}
		status.Bytes = mapreduce.Extent{Total: j.plan.Bytes, Done: maps.counts.Bytes + s.underWay(j)}
	}
	return status
}

// underWay is how many bytes of input the running maps have read.
func (s *State) underWay(j *job) int64 {
	furthest := map[mapreduce.TaskID]int64{} // of several attempts of a task, the one that is ahead counts
	var sum int64
	for _, m := range s.workers {
		for _, r := range m.beat.Running {
			mapping := r.Task.UID == j.uid && r.Task.Phase == mapreduce.Map
			if before := furthest[r.Task]; mapping && r.Progress > before && !j.phases[mapreduce.Map].committed(r.Task.N) {
				furthest[r.Task] = r.Progress
				sum += r.Progress - before
			}
		}
	}
	return sum
}

// waiting says what the job waits for.
func (s *State) waiting(j *job) string {
	p := j.running()
	switch {
	case j.state.Final():
		return ""
	case len(s.workers) == 0:
		return "no worker has been heard of: start one with `jetreduce worker`"
	case s.slots() == 0:
		return fmt.Sprintf("no worker of class %s has been heard of", s.config.Class)
	case s.now.Before(j.resume):
		return "a new leader listens for the workers' heartbeats"
	case p == nil:
		return "to be taken up"
	}
	return fmt.Sprintf("%d of %d %s tasks", p.total-p.done, p.total, p.name)
}
