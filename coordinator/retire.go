package coordinator

import (
	"maps"
	"slices"

	"jetreduce/mapreduce"
)

// close ends the job. Its end stands in a record already, so nobody needs its storage any more, whoever leads. What its
// tasks committed is summed up in the record of its state, and forgotten.
func (s *State) close(j *job, state mapreduce.State, reason string) {
	s.withdraw(j)
	s.keepQuarantine(j)
	s.chartEnd(j)
	s.tally.ended[state]++
	j.error, j.summary = reason, s.summary(j)
	j.summary.Ended = s.now
	s.enter(j, state)
	s.do(Dismiss{mapreduce.Over{UID: j.uid}})
	s.sweep(j)
}

// sweep removes what a job that has ended needs no more, unless that has been done, and records it.
func (s *State) sweep(j *job) {
	if j.swept {
		return
	}
	if j.divided() && !j.dropped {
		s.do(DropLanes{j.lanes()})
	}
	removed := j.state == mapreduce.Removed
	if removed && j.spec.Output.OnBus() {
		s.do(Unlink{j.spec.ID, j.uid, j.spec.Output})
	}
	if uploads := s.unused(j); len(uploads) > 0 && (removed || j.state == mapreduce.Done) {
		s.do(DropUploads{uploads})
	}
	s.archive(j)
	s.do(Forget{j.uid, removed})
	j.swept = true
	record := s.record(j, j.state)
	record.Summary, record.Swept = j.summary, true
	if removed { // its first record is forgotten, and its submission may be handed in again
		record.Seq = j.seq
	}
	s.do(WriteRecord{record})
	s.forget(j)
}

// sweepLanes drops, now and then, the lanes that a deposed leader may have made for jobs that have ended since.
func (s *State) sweepLanes() {
	s.looked = s.now
	s.do(SweepLanes{s.over()})
}

// over is all jobs that have ended, and whether they are still listed or not.
func (s *State) over() map[mapreduce.UID]bool {
	ended := map[mapreduce.UID]bool{}
	for uid, j := range s.byUID {
		if j.state.Final() {
			ended[uid] = true
		}
	}
	return ended
}

// forget lets go of what a job that has ended costs here.
func (s *State) forget(j *job) {
	j.phases, j.repairs, j.damage, j.away, j.bad, j.chart = nil, nil, nil, nil, nil, nil
	switch j.state {
	case mapreduce.Done: // it will not run again
		j.spec.Inputs, j.spec.Args = nil, nil
	case mapreduce.Removed:
		s.jobs = slices.DeleteFunc(s.jobs, func(other *job) bool { return j == other })
		s.uncount(j)
		j.spec, j.summary, j.parts, j.asking = mapreduce.Job{ID: j.spec.ID}, nil, nil, nil
	}
}

// unused is the uploads of a job that no other job needs: one that is done will not run again.
func (s *State) unused(j *job) []string {
	return slices.DeleteFunc(j.spec.Uploads(), func(upload string) bool {
		return slices.ContainsFunc(s.jobs, func(other *job) bool {
			return other != j && other.state != mapreduce.Done && slices.Contains(other.spec.Uploads(), upload)
		})
	})
}

// discard drops uploads that no job needs: whoever made them says that no job will.
func (s *State) discard(uploads []string) {
	uploads = slices.DeleteFunc(slices.Clone(uploads), func(upload string) bool {
		return !mapreduce.JobID(upload).Valid() || slices.ContainsFunc(s.jobs, func(j *job) bool {
			return slices.Contains(j.spec.Uploads(), upload)
		})
	})
	if len(uploads) > 0 {
		s.do(DropUploads{uploads})
	}
}

// sweepLate notes that an attempt has recorded something for a job that has ended: nobody needs it. Of a removed job it is
// known by that it is removed.
func (s *State) sweepLate(j *job) {
	if j.swept {
		s.late[j.uid] = true
	}
}

// litter notes that something was recorded for a job that nobody knows. Uids are what keys begin with, and anybody may write some that are
// none: those are left alone.
func (s *State) litter(uid mapreduce.UID) {
	if s.byUID[uid] == nil && uid.Valid() && len(s.late) < maxEarly {
		s.late[uid] = true
	}
}

// clearAway erases litter that has kept this leader from knowing all records: it must not decide, and whoever leads next finds less.
func (s *State) clearAway() {
	for _, uid := range slices.Sorted(maps.Keys(s.late))[:min(len(s.late), s.config.Portion)] {
		if s.byUID[uid] == nil {
			s.do(Erase{uid})
		}
	}
}

// sweepNext forgets what late attempts of one job have recorded: one at a time, since there may be many.
func (s *State) sweepNext() {
	if !s.leading || len(s.late) == 0 {
		return
	}
	uid := slices.Min(slices.Collect(maps.Keys(s.late)))
	delete(s.late, uid)
	if j := s.byUID[uid]; j != nil {
		s.do(Forget{uid, j.state == mapreduce.Removed})
	} else {
		s.do(Erase{uid})
	}
}

// remove removes a job that has ended: recorded first, so that whoever leads next finishes it. Only its uid stays.
func (s *State) remove(j *job) {
	j.dropped = j.swept // else for thousands of partitions as many requests are made in vain
	j.state, j.swept, j.removed = mapreduce.Removed, false, s.now
	record, spec := s.record(j, mapreduce.Removed), j.spec // a copy: sweep lets go of the job's own before this is written
	record.Error, record.Spec, record.Seq = "", &spec, j.seq
	s.do(WriteRecord{record})
	if s.byID[j.spec.ID] == j {
		delete(s.byID, j.spec.ID)
	}
	s.sweep(j)
}

// summary is what is kept of a job.
func (s *State) summary(j *job) *mapreduce.Summary {
	if j.summary != nil {
		return j.summary
	}
	maps, reduces := j.phases[mapreduce.Map], j.phases[mapreduce.Reduce]
	kept := &mapreduce.Summary{
		Maps: maps.total, Done: maps.done, Reduces: j.reduces, Reduced: reduces.done,
		Inputs: j.plan.Inputs, Bytes: j.plan.Bytes, Read: maps.counts.Bytes, Records: maps.counts.Records,
		Groups: reduces.counts.Groups, Rows: j.phases[j.last()].counts.Rows,
		Quarantined: j.quarantined(), Attempts: j.tries,
		Counters: mapreduce.Counters(nil).Add(maps.counters).Add(reduces.counters),
	}
	kept.Attempts.Map, kept.Attempts.Reduce = maps.done, reduces.done
	for _, r := range j.repairs {
		if r.name == mapreduce.Map {
			kept.Attempts.Map += r.done
		} else {
			kept.Attempts.Reduce += r.done
		}
	}
	return kept
}
