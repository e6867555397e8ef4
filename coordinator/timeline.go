package coordinator

import (
	"cmp"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// timeline is what users see of how the tasks of a job went. Of one that is forgotten the leader knows where it stands, and no more.
func (s *State) timeline(j *job) *mapreduce.Timeline {
	t := &mapreduce.Timeline{Job: s.status(j)}
	t.Job.Error, t.Job.Counters = mapreduce.Abridge(t.Job.Error, maxReason), nil
	if j.phases == nil {
		return t
	}
	running, chart := s.runningNow(j), j.charted()
	for _, p := range phaseOrder() {
		if times, begun := s.phaseTimes(j, p, running); begun {
			t.Phases = append(t.Phases, times)
		}
	}
	t.Earlier = chart.earlier
	t.Workers, t.HiddenWorkers = s.shares(chart)
	t.Partitions = chart.largest()
	if reduces := j.phases[mapreduce.Reduce]; reduces.done > 0 {
		t.MeanPartition = reduces.counts.Records / int64(reduces.done)
		t.HiddenPartitions = reduces.done - len(t.Partitions)
	}
	s.fill(t, j, running)
	return t
}

func phaseOrder() []mapreduce.Phase {
	return []mapreduce.Phase{mapreduce.Plan, mapreduce.Map, mapreduce.Reduce, mapreduce.Finish}
}

// runningNow is the attempts of a job that run as far as is known: no record has ended them, and their own commit is not known.
func (s *State) runningNow(j *job) []mapreduce.Running {
	if j.state.Final() {
		return nil
	}
	return slices.DeleteFunc(s.runningOf(j), func(r mapreduce.Running) bool {
		p := j.phase(r.Task)
		if p == nil || s.ended(r) {
			return true
		}
		at := p.position(r.Task.N)
		return at < 0 || p.winners[at] == r.Attempt
	})
}

// phaseTimes sums up a phase, and reports whether it has begun.
func (s *State) phaseTimes(j *job, name mapreduce.Phase, running []mapreduce.Running) (mapreduce.PhaseTimes, bool) {
	times, of := mapreduce.PhaseTimes{Phase: name}, j.charted().course(name)
	for _, p := range j.all() {
		if p.name == name {
			times.Tasks, times.Done = times.Tasks+p.total, times.Done+p.done
		}
	}
	times.Began = of.began
	for _, r := range running {
		if r.Task.Phase == name {
			times.Running++
			if began := r.Since.UTC(); times.Began.IsZero() || began.Before(times.Began) {
				times.Began = began
			}
		}
	}
	if times.Done == times.Tasks {
		times.Ended = of.ended
	}
	times.Began, times.Ended = milliseconds(times.Began), milliseconds(times.Ended)
	times.Failed, times.Lost, times.Beaten, times.Speculative = of.failed, of.lost, of.beaten, of.speculative
	times.Took = of.took.quantiles()
	times.Slowest = of.longest(j.uid, name)
	return times, times.Done+times.Running+of.failed+of.lost+of.beaten > 0
}

// longest is the committed attempt that took longest.
func (c *course) longest(uid mapreduce.UID, p mapreduce.Phase) *mapreduce.AttemptRef {
	var longest *trial
	for _, of := range [][]trial{c.slowest.kept, c.odd.kept} {
		for i, t := range of {
			if t.outcome == mapreduce.OutcomeCommitted && (longest == nil || t.took > longest.took) {
				longest = &of[i]
			}
		}
	}
	if longest == nil {
		return nil
	}
	ref := longest.ref(uid, p)
	return &ref
}

func (t trial) ref(uid mapreduce.UID, p mapreduce.Phase) mapreduce.AttemptRef {
	return mapreduce.AttemptRef{
		Task: mapreduce.TaskID{UID: uid, Phase: p, N: t.n, Generation: t.generation}, Attempt: t.attempt,
	}
}

// milliseconds is how exactly times are told: what is shorter, no picture shows. What no clock can have said is not told.
func milliseconds(t time.Time) time.Time {
	if t = t.UTC(); t.Year() <= 1 || t.Year() > 9998 {
		return time.Time{}
	}
	return t.Truncate(time.Millisecond)
}

// straggles is how long an attempt of a phase must take to be one of those that take much longer than most, by the rule of speculate.go;
// 0: too few are done to tell.
func (s *State) straggles(j *job, name mapreduce.Phase) time.Duration {
	of := j.charted().course(name)
	if p := j.phases[name]; of.committed == 0 || 2*p.done < p.total {
		return 0
	}
	return max(time.Duration(s.config.Straggling)*of.took.quantiles().Median, s.config.StragglerAge)
}

// shares is what workers have done, by name: of too many, those that took longest for a task.
func (s *State) shares(c *chart) (shares []mapreduce.WorkerShare, hidden int) {
	for id, of := range c.workers {
		if m := s.workers[id]; m != nil && of.host == "" {
			of.host = m.beat.Host
		}
		shares = append(shares, mapreduce.WorkerShare{
			Worker: id, Host: mapreduce.Abridge(of.host, maxHost), Committed: of.committed, Took: of.took,
		})
	}
	if hidden = len(shares) - mapreduce.MaxTimelineShares; hidden > 0 {
		slices.SortFunc(shares, func(a, b mapreduce.WorkerShare) int {
			return cmp.Or(cmp.Compare(b.Took/time.Duration(b.Committed), a.Took/time.Duration(a.Committed)), cmp.Compare(a.Worker, b.Worker))
		})
		shares = shares[:mapreduce.MaxTimelineShares]
	}
	slices.SortFunc(shares, func(a, b mapreduce.WorkerShare) int { return cmp.Compare(a.Worker, b.Worker) })
	return shares, max(0, hidden)
}

// maxHost bounds the name of a host, which is whatever a worker says.
const maxHost = 64

// largest is the largest partitions, in that order.
func (c *chart) largest() []mapreduce.PartitionSize {
	return slices.SortedFunc(slices.Values(c.partitions.kept), func(a, b mapreduce.PartitionSize) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), a.Partition-b.Partition)
	})
}
