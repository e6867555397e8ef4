package coordinator

import (
	"fmt"
	"time"

	"jetreduce/mapreduce"
)

// Step takes in one event that happened at now and returns what is to be done about it, in order. Events may come twice,
// late and in any order; commits and ends decide, all else is a hint.
func (s *State) Step(now time.Time, event mapreduce.Event) []Command {
	s.now, s.commands = now, nil
	switch e := event.(type) {
	case mapreduce.Restored:
		s.restore(e.Record)
	case mapreduce.Replayed:
		s.lead()
	case mapreduce.Submitted:
		s.submit(e)
	case mapreduce.Commit:
		s.commit(e)
	case mapreduce.Failure:
		s.fail(e)
	case mapreduce.End:
		s.decide(e)
	case mapreduce.Beat:
		s.beat(e)
	case mapreduce.Tick:
		s.tick()
	case mapreduce.QueueSeen:
		s.reconcile(e)
	case mapreduce.TaskQueued:
		s.queued(e)
	case mapreduce.Refused:
		s.refuse(e)
	case mapreduce.Asked:
		s.answer(e)
	}
	return s.commands
}

// restore takes in a record of an earlier leader. The order does not matter: a write that was repeated after a silence may
// have come to stand behind later ones.
func (s *State) restore(r mapreduce.Record) {
	j := s.byUID[r.UID]
	if j == nil {
		j = newJob(r.UID, mapreduce.Job{}, s.now)
		s.byUID[r.UID] = j
	}
	if r.Spec != nil && !s.bySeq[r.Seq] {
		j.spec = *r.Spec
		s.add(j, r.Seq)
	}
	if r.Reduces > 0 && j.reduces == 0 {
		s.partition(j, r.Reduces)
	}
	if rank(r.State) >= rank(j.state) {
		j.state, j.error = r.State, r.Error
	}
}

// lead begins to act: everything that the records say has been handed in.
func (s *State) lead() {
	s.leading = true
	for _, j := range s.jobs {
		if j.state.Final() {
			continue
		}
		if j.state != mapreduce.Queued {
			j.resume = s.now.Add(s.config.Resettle) // its tasks may be running
		}
		if rank(j.state) >= rank(mapreduce.Mapping) && j.reduces == 0 {
			j.doom = "the record that says how many partitions it has is missing"
		}
		if j.reduces > 0 {
			s.do(MakeLanes{j.lanes()}) // the record may be all that the last leader managed
		}
		s.advance(j)
	}
}

func (s *State) add(j *job, seq uint64) {
	s.jobs = append(s.jobs, j)
	s.byUID[j.uid], s.byID[j.spec.ID], s.bySeq[seq] = j, j, true
}

// submit takes up a job. The same job under the same id is the same job; another under its id is refused.
func (s *State) submit(e mapreduce.Submitted) {
	spec := e.Job
	if spec.ID == "" {
		spec.ID = mapreduce.JobID(fmt.Sprintf("j%d", e.Seq))
	}
	defer s.do(Accept{e.Seq})
	if s.bySeq[e.Seq] {
		return
	}
	if reason := s.unfit(spec, e.Bad); reason != "" {
		s.do(Reject{spec.ID, e.Seq, reason})
		return
	}
	if known := s.byID[spec.ID]; known != nil {
		s.do(Tell{s.status(known)})
		return
	}
	j := newJob(e.UID, spec, s.now)
	s.do(WriteRecord{mapreduce.Record{
		Version: mapreduce.RecordVersion, UID: j.uid, Job: spec.ID, State: mapreduce.Queued, Seq: e.Seq, Spec: &spec,
	}})
	s.add(j, e.Seq)
	s.advance(j)
}

func (s *State) unfit(spec mapreduce.Job, bad string) string {
	if bad != "" {
		return bad
	}
	if err := spec.Validate(); err != nil {
		return err.Error()
	}
	if known := s.byID[spec.ID]; known != nil && !known.spec.Same(spec) {
		return fmt.Sprintf("job %s exists with another description: use another id", spec.ID)
	}
	return ""
}

// commit takes in a commit record.
func (s *State) commit(c mapreduce.Commit) {
	j, p := s.find(c.Task)
	if p == nil {
		return
	}
	if c.Task.Phase == mapreduce.Plan && !s.adopt(j, c) {
		return
	}
	if p.commit(c.Task.N, c.Attempt, c.Counts) {
		s.advance(j)
	}
}

// adopt takes the committed plan as the job's.
func (s *State) adopt(j *job, c mapreduce.Commit) bool {
	if j.phases[mapreduce.Plan].complete() {
		return false
	}
	if c.Plan == nil || c.Plan.Check() != nil {
		j.doom = fmt.Sprintf("the committed plan of %s cannot be read", c.Attempt)
		s.advance(j)
		return false
	}
	j.plan, j.planner = *c.Plan, c.Attempt
	j.phases[mapreduce.Map].size(c.Plan.Splits)
	return true
}

// fail takes in the record of a failed or lost attempt.
func (s *State) fail(f mapreduce.Failure) {
	j, p := s.find(f.Task)
	if p == nil || p.committed(f.Task.N) {
		return
	}
	t := p.task(f.Task.N)
	if t.ended[f.Attempt] {
		return
	}
	if t.ended == nil {
		t.ended = map[mapreduce.Attempt]bool{}
	}
	t.ended[f.Attempt] = true
	if f.Lost {
		j.tries.Lost++
		t.losses++
	} else {
		j.tries.Failed++
		t.queued = false // a failed attempt takes its task out of the queue
		if j.end == nil || f.Decided {
			t.failures++
			t.reason = f.Reason
		}
	}
	s.judge(j, f, t)
	s.advance(j)
}

// judge dooms the job when its task has failed for good.
func (s *State) judge(j *job, f mapreduce.Failure, t *task) {
	name := fmt.Sprintf("%s task %d", f.Task.Phase, f.Task.N)
	switch {
	case j.doom != "" || j.end != nil && !f.Decided:
		// Once finish has decided that the job is done, an attempt that failed without knowing it changes nothing.
	case f.Permanent:
		j.doom = f.Reason
	case t.failures >= s.config.MaxFailures:
		j.doom = fmt.Sprintf("%s failed %d times, the last time: %s", name, t.failures, t.reason)
	case t.losses >= s.config.MaxLosses:
		j.doom = fmt.Sprintf("%s was lost with its worker %d times", name, t.losses)
	}
}

// decide takes in how a job ends. What failed before finish decided that it is done no longer counts.
func (s *State) decide(e mapreduce.End) {
	j := s.byUID[e.UID]
	if j == nil || j.end != nil {
		return
	}
	j.end = &e
	if e.State == mapreduce.Done {
		j.doom = ""
		j.phases[mapreduce.Finish].task(0).failures = 0
	}
	s.advance(j)
}

// refuse dooms a job that the bus has no room for. Past its end that is too late: the output may be published by now.
func (s *State) refuse(e mapreduce.Refused) {
	if j := s.byUID[e.UID]; j != nil && j.end == nil && j.doom == "" {
		j.doom = e.Reason
		s.advance(j)
	}
}

// find returns the job and phase of a current task, else nil: records of another uid or generation count for nothing.
func (s *State) find(id mapreduce.TaskID) (*job, *phase) {
	j := s.byUID[id.UID]
	if j == nil || id.Generation != firstGeneration || id.N < 0 || id.N >= mapreduce.MaxSplits {
		return nil, nil
	}
	return j, j.phases[id.Phase]
}
