package coordinator

import (
	"fmt"
	"maps"
	"slices"

	"jetreduce/mapreduce"
)

// A map that has failed all its attempts but one gets the last with care: one record at a time, so that the record which the
// program cannot take is known. Where the job allows it such records are left out, and named (paper, 4.6: skipping bad
// records). How many, is bounded for the job as a whole.

// careful reports whether a task is to run one record at a time, and how many records it may leave out. A map that runs
// again must make what it made the first time.
func (s *State) careful(j *job, p *phase, n int) (careful bool, allowed int) {
	if p.name != mapreduce.Map {
		return false, 0
	}
	if first := len(j.bad[n]); p.generation > firstGeneration && first > 0 {
		return true, first
	}
	return p.task(n).failures >= s.config.MaxFailures-1, max(0, j.spec.SkipBad-j.quarantined())
}

// quarantined is how many records the job has left out.
func (j *job) quarantined() int {
	sum := 0
	for _, records := range j.bad {
		sum += len(records)
	}
	return sum
}

// leaveOut notes the records that a map has left out, and dooms the job when they are too many: two maps may each have been
// allowed the rest.
func (s *State) leaveOut(j *job, c mapreduce.Commit) {
	if len(c.Bad) == 0 || c.Task.Phase != mapreduce.Map || c.Task.Generation != firstGeneration {
		return
	}
	if j.bad == nil {
		j.bad = map[int][]mapreduce.BadRecord{}
	}
	j.bad[c.Task.N] = c.Bad
	if sum := j.quarantined(); sum > j.spec.SkipBad {
		last := c.Bad[len(c.Bad)-1]
		j.giveUp(fmt.Sprintf("%d records cannot be mapped, %d may be left out; one of them is in %s at byte %d: %s",
			sum, j.spec.SkipBad, last.Source, last.Offset, last.Reason))
	}
}

// quarantine is the records that the job has left out, in the order in which they stand.
func (j *job) quarantine() []mapreduce.BadRecord {
	all := []mapreduce.BadRecord{}
	if j.state.Final() {
		for _, part := range slices.Sorted(maps.Keys(j.parts)) {
			all = append(all, j.parts[part]...)
		}
		return all
	}
	for _, n := range slices.Sorted(maps.Keys(j.bad)) {
		all = append(all, j.bad[n]...)
	}
	mapreduce.SortBad(all)
	return append([]mapreduce.BadRecord{}, mapreduce.FitBad(all)...)
}

// keepQuarantine records what was left out, before the commits that say so are forgotten.
func (s *State) keepQuarantine(j *job) {
	for _, part := range mapreduce.Parts(j.quarantine()) {
		record := s.record(j, j.state)
		record.Quarantine = &part
		s.do(WriteRecord{record})
		j.keep(part)
	}
}

// keep takes in a part of what a job has left out.
func (j *job) keep(part mapreduce.Quarantine) {
	if j.parts == nil {
		j.parts = map[int][]mapreduce.BadRecord{}
	}
	j.parts[part.Part] = part.Records
}
