package coordinator

import (
	"fmt"

	"jetreduce/mapreduce"
)

// status is what users see of a job.
func (s *State) status(j *job) mapreduce.Status {
	sum := s.summary(j)
	status := mapreduce.Status{
		ID: j.spec.ID, UID: j.uid, Spec: j.digest, State: j.state, Program: j.spec.Name(), Epoch: s.config.Epoch,
		Phase:       j.phaseName(),
		Idle:        !j.state.Final() && s.slotsFor(j) == 0,
		Reduces:     mapreduce.Progress{Total: sum.Reduces, Done: sum.Reduced},
		Inputs:      sum.Inputs,
		Records:     sum.Records,
		Groups:      sum.Groups,
		Rows:        sum.Rows,
		Quarantined: sum.Quarantined, Attempts: sum.Attempts, Counters: sum.Counters, Error: j.error, Output: j.spec.Output,
		Waiting: s.waiting(j), Since: j.at, Ended: sum.Ended,
	}
	if j.summary != nil {
		status.Maps = mapreduce.Progress{Total: sum.Maps, Done: sum.Done}
		status.Bytes = mapreduce.Extent{Total: sum.Bytes, Done: sum.Bytes}
	} else if j.phases[mapreduce.Plan].complete() {
		maps := j.phases[mapreduce.Map]
		status.Maps = mapreduce.Progress{Total: maps.total, Done: maps.done}
		status.Bytes = mapreduce.Extent{Total: j.plan.Bytes, Done: maps.counts.Bytes + s.running().read[j.uid]}
	}
	return status
}

// phaseName is the kind of the tasks that the job waits for.
func (j *job) phaseName() mapreduce.Phase {
	if active := j.active(); len(active) > 0 {
		return active[0].name
	}
	return ""
}

// waiting says what the job waits for.
func (s *State) waiting(j *job) string {
	p := j.running()
	switch {
	case j.state.Final():
		return ""
	case len(s.workers) == 0:
		return "no worker has been heard of: start one with `jetreduce worker`"
	case s.slotsFor(j) == 0 && j.spec.Map != "":
		return "no worker runs commands: start one with `jetreduce worker --allow-exec`"
	case s.slotsFor(j) == 0 && j.spec.Class.OfBinary():
		return fmt.Sprintf("no worker has program %s: start one with the binary that submitted the job (class %s)", j.spec.Program, j.spec.Class)
	case s.slotsFor(j) == 0:
		return fmt.Sprintf("no worker of class %s has been heard of", s.class(j, mapreduce.Map))
	case s.now.Before(j.resume):
		return "a new leader listens for the workers' heartbeats"
	case p == nil:
		return "to be taken up"
	}
	if active := j.active(); active[0] != p {
		again := active[0]
		return fmt.Sprintf("%d of %d %s tasks that run again: their output was lost", again.total-again.done, again.total, again.name)
	}
	return fmt.Sprintf("%d of %d %s tasks", p.total-p.done, p.total, p.name)
}
