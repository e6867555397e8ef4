package coordinator

import (
	"fmt"

	"jetreduce/mapreduce"
)

// fail takes in the record of a failed or lost attempt.
func (s *State) fail(f mapreduce.Failure) {
	j, p := s.find(f.Task)
	if p == nil || p.position(f.Task.N) < 0 || reads(f) && j.phases[j.source(f.Task.Phase)].total == 0 {
		s.early(f.Task.UID, f)
		return
	}
	if p.committed(f.Task.N) {
		return
	}
	t := p.task(f.Task.N)
	if t.ended[f.Attempt] {
		return
	}
	if t.ended == nil {
		t.ended = map[mapreduce.Attempt]bool{}
	}
	t.ended[f.Attempt], s.work = true, nil
	s.count(j, p, t, f)
	s.chartFailure(j, f)
	s.tally.fail(f)
	s.judge(j, f, t)
	s.advance(j)
}

// reads reports whether a failure is of a reader that missed what others had made.
func reads(f mapreduce.Failure) bool {
	return len(f.Missing) > 0 && (f.Task.Phase == mapreduce.Reduce || f.Task.Phase == mapreduce.Finish)
}

// innocent reports whether an attempt ended by nothing that it did.
func innocent(f mapreduce.Failure) bool { return f.Lost || reads(f) || f.Laneless }

// unaware reports whether an attempt failed without knowing that finish had decided that the job is done: that changes
// nothing.
func (j *job) unaware(f mapreduce.Failure) bool {
	return j.end != nil && f.Task.Phase == mapreduce.Finish && !f.Decided
}

// count notes what kind of failure it was. A failed attempt takes its task out of the queue; of one whose worker died the
// message is still there.
func (s *State) count(j *job, p *phase, t *task, f mapreduce.Failure) {
	if !f.Lost {
		p.mark(t, false)
		s.dropCopy(t)
	}
	if innocent(f) {
		j.tries.Lost++
	} else {
		j.tries.Failed++
	}
	switch {
	case f.Lost:
		t.losses++
	case reads(f): // nothing that the attempt did
		s.miss(j, f)
	case f.Laneless: // nothing that the attempt did, either
		t.laneless++
		s.remake(j)
	default:
		s.blame(j, t, f)
	}
}

// blame notes a failure that is the program's, or the worker's.
func (s *State) blame(j *job, t *task, f mapreduce.Failure) {
	switch {
	case f.Absent:
		if t.absent == nil {
			t.absent = map[mapreduce.WorkerID]struct{}{}
		}
		t.absent[f.Attempt.Worker], t.lacks = struct{}{}, f.Reason
	case !j.unaware(f):
		t.note(j, f)
		// A message that came twice may give a map another failure before it was tried with care.
		if f.Task.Phase != mapreduce.Map || f.Careful || t.failures < s.config.MaxFailures-1 {
			t.failures++
		}
	}
}

// note keeps the words of the first failure: what comes after is often but its consequence. One that was tried with care knows more: the
// record. Which record a command has failed at, nobody knows.
func (t *task) note(j *job, f mapreduce.Failure) {
	switch {
	case f.Careful && j.spec.Map == "":
		t.which, t.reason = "the last time", f.Reason
	case t.reason == "":
		t.which, t.reason = "the first time", f.Reason
	}
}

// laneless is how many times as many attempts of a task may find no lane as may be lost: whoever has the lanes may be away for long.
const laneless = 20

// judge dooms the job when its task has failed for good.
func (s *State) judge(j *job, f mapreduce.Failure, t *task) {
	var reason string
	switch {
	case j.doom != "" || j.unaware(f):
		return
	case f.Permanent:
		reason = f.Reason
	case t.failures >= s.config.MaxFailures:
		reason = fmt.Sprintf("%s failed %d times, %s: %s", name(f.Task), t.failures, t.which, t.reason)
	case t.losses >= s.config.MaxLosses:
		reason = fmt.Sprintf("%s was lost %d times, the last time: %s", name(f.Task), t.losses, f.Reason)
	case t.laneless >= laneless*s.config.MaxLosses:
		reason = fmt.Sprintf("%s found no lane to publish on, %d times, the last time: %s", name(f.Task), t.laneless, f.Reason)
	default:
		return
	}
	if f.Task.Phase == mapreduce.Finish { // it knows what it did
		j.doom = reason
		return
	}
	j.giveUp(reason)
}

// giveUp dooms a job, unless it is doomed. What finish has decided before may be out.
func (j *job) giveUp(reason string) {
	if j.end != nil {
		reason += " (when the output had been decided: it may have been published)"
	}
	if j.doom == "" {
		j.doom = reason
	}
}
