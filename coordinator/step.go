package coordinator

import (
	"time"

	"jetreduce/mapreduce"
)

// Step takes in one event that happened at now and returns what is to be done about it, in order. Events may come twice,
// late and in any order; commits and ends decide, all else is a hint.
func (s *State) Step(now time.Time, event mapreduce.Event) []Command {
	s.now, s.commands, s.work = now, nil, nil
	if s.began.IsZero() {
		s.began = now
	}
	switch e := event.(type) {
	case mapreduce.Restored:
		s.restore(e.Record)
	case mapreduce.Replayed:
		s.lead()
	case mapreduce.Commit:
		s.commit(e)
	case mapreduce.Failure:
		s.fail(e)
	case mapreduce.End:
		s.decide(e)
	default:
		s.hear(event)
	}
	return s.commands
}

// hear takes in what is no record.
func (s *State) hear(event mapreduce.Event) {
	switch e := event.(type) {
	case mapreduce.Submitted:
		s.submit(e)
	case mapreduce.Asked:
		s.answer(e)
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
	case mapreduce.LanesGone:
		s.strand(e)
	case mapreduce.Linked:
		s.link(e)
	case mapreduce.QueueOpened:
		s.queueOpened(e)
	case mapreduce.ClockSeen:
		s.clockSeen(e)
	}
}

// commit takes in a commit record. One that the state cannot place yet is kept: records of the two buckets come by
// separate ways, and the one that a commit needs may come after it.
func (s *State) commit(c mapreduce.Commit) {
	j, p := s.find(c.Task)
	if p == nil || p.position(c.Task.N) < 0 || !j.known { // how many records it may leave out, its first record says
		s.early(c.Task.UID, c)
		return
	}
	if c.Task.Phase == mapreduce.Plan && !s.adopt(j, c) {
		return
	}
	t := p.tasks[c.Task.N]
	if !p.commit(c) {
		return
	}
	s.settleCopy(c.Task, t)
	s.chartCommit(j, c, t)
	s.tally.commit(c)
	s.leaveOut(j, c)
	j.satisfied(c.Task)
	s.compare(j, p, c)
	if c.Task.Phase == mapreduce.Plan {
		s.place(j)
	}
	s.advance(j)
}

// adopt takes the committed plan as the job's.
func (s *State) adopt(j *job, c mapreduce.Commit) bool {
	if j.phases[mapreduce.Plan].complete() {
		return false
	}
	if c.Plan == nil || c.Plan.Check() != nil {
		j.doom = "the committed plan of " + c.Attempt.String() + " cannot be read"
		s.advance(j)
		return false
	}
	j.plan, j.planner = *c.Plan, c.Attempt
	j.phases[mapreduce.Map].size(c.Plan.Splits)
	return true
}

// decide takes in how a job ends. What failed before finish decided that it is done no longer counts.
func (s *State) decide(e mapreduce.End) {
	j := s.byUID[e.UID]
	if j == nil {
		s.early(e.UID, e)
		return
	}
	if j.end != nil || j.state.Final() {
		return
	}
	j.end = &e
	if e.State == mapreduce.Done {
		j.doom = ""
		j.phases[mapreduce.Finish].task(0).failures = 0
	}
	s.advance(j)
	s.tellOutcome(j)
}

// refuse dooms a job that the bus has no room for. Past its end that is too late: the output may be published by now.
func (s *State) refuse(e mapreduce.Refused) {
	if j := s.byUID[e.UID]; j != nil && j.end == nil && j.doom == "" {
		j.doom = e.Reason
		s.advance(j)
	}
}

// find returns the job and phase of a task, else nil: what is said of a job that has ended, of one that nobody knows or
// of a generation that it does not have, counts for nothing.
func (s *State) find(id mapreduce.TaskID) (*job, *phase) {
	j := s.byUID[id.UID]
	if j == nil || j.state.Final() || id.N < 0 || id.N >= mapreduce.MaxSplits {
		return nil, nil
	}
	return j, j.phase(id)
}
