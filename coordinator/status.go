package coordinator

import (
	"fmt"
	"strings"

	"jetreduce/mapreduce"
)

// status is what users see of a job.
func (s *State) status(j *job) mapreduce.Status {
	sum := s.summary(j)
	status := mapreduce.Status{
		ID: j.spec.ID, UID: j.uid, Spec: j.digest, State: j.state, Program: j.spec.Name(), Epoch: s.config.Epoch,
		Phase: j.phaseName(), Pool: j.spec.Pool, Priority: j.spec.Priority,
		Idle:        !j.state.Final() && (s.slotsFor(j) == 0 || s.closed(j) != ""),
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
		status.Bytes = mapreduce.Extent{Total: sum.Bytes, Done: sum.Read}
		if sum.Maps == sum.Done { // earlier versions did not say
			status.Bytes.Done = sum.Bytes
		}
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
	case s.crews[j.pool()] == 0 || s.slotsFor(j) == 0:
		return s.missing(j)
	case s.closed(j) != "":
		return s.closed(j)
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

// missing says which workers there are none of, and how to start one.
func (s *State) missing(j *job) string {
	of, flag := "", ""
	if pool := j.pool(); pool != mapreduce.DefaultPool {
		of, flag = " of pool "+string(pool), " --pool "+string(pool)
	} else if len(s.workers) > s.crews[pool] { // there are others
		of = " of pool default"
	}
	switch {
	case s.crews[j.pool()] == 0:
		return fmt.Sprintf("no worker%s has been heard of: start one with `jetreduce worker%s`", of, flag)
	case j.spec.Map != "":
		return fmt.Sprintf("no worker%s runs commands: start one with `jetreduce worker%s --allow-exec`", of, flag)
	case j.spec.Class.OfBinary():
		return fmt.Sprintf("no worker%s has program %s: start one with the binary that submitted the job (class %s)%s",
			of, j.spec.Program, j.spec.Class, strings.Replace(flag, " ", ", with ", 1))
	}
	return fmt.Sprintf("no worker%s of class %s has been heard of", of, s.class(j, mapreduce.Map))
}
