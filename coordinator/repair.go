package coordinator

import (
	"fmt"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// Committed output may be lost: a lazy disk, a server that is gone for good, a stream that somebody deleted. Whoever wants
// to read it says what is missing; what is missing runs again, and only that, in a generation of its own:
//
//	reduce 3 misses the runs of maps 5, 6 ─▶ repair: generation 2, maps 5-6, partition 3
//	                                        lane of partition 3, generation 2
//	map 5, 6 of generation 2 ─▶ compared with the first time ─▶ reduce 3 reads both lanes, the later attempt of 5 and 6
//
// A generation number is used once in a job, so that a key or a lane means one thing.

// repair is tasks that run again.
type repair struct {
	*phase
	partitions mapreduce.Ranges // map: those whose runs are made again; none of a job that is map only
}

// final reports whether finish reads what the repair makes.
func (r *repair) final() bool { return r.name == mapreduce.Reduce || len(r.partitions) == 0 }

// damage is output that is missing and not yet under repair.
type damage struct {
	reports []report
	readers mapreduce.Ranges // who misses it
	since   time.Time
}

// report is whose output a reader did not find, in the generations up to seen.
type report struct {
	reader int
	tasks  mapreduce.Ranges
	seen   mapreduce.Generation
}

// lanes are those that the repair's tasks publish on.
func (r *repair) lanes(uid mapreduce.UID) []mapreduce.Lane {
	if r.final() {
		return []mapreduce.Lane{{UID: uid, Reader: mapreduce.Finish, Generation: r.generation}}
	}
	var lanes []mapreduce.Lane
	for _, n := range r.partitions.Numbers() {
		lanes = append(lanes, mapreduce.Lane{UID: uid, Reader: mapreduce.Reduce, Partition: n, Generation: r.generation})
	}
	return lanes
}

// feeds reports whether the repair makes what a reader reads.
func (r *repair) feeds(reader mapreduce.Phase, n int) bool {
	if reader == mapreduce.Finish || r.final() {
		return reader == mapreduce.Finish && r.final()
	}
	return reader == mapreduce.Reduce && r.partitions.Has(n)
}

// miss takes in what a reader did not find. What a repair has begun to make since the reader looked, is not missing.
func (s *State) miss(j *job, f mapreduce.Failure) {
	for _, r := range j.repairs {
		if r.feeds(f.Task.Phase, f.Task.N) && r.generation > f.Seen {
			return
		}
	}
	of := j.source(f.Task.Phase)
	missing := f.Missing.Below(j.phases[of].total)
	if len(missing) == 0 {
		return
	}
	d := j.damage[of]
	if d == nil {
		d = &damage{since: s.now}
		j.damage[of] = d
	}
	d.reports = append(d.reports, report{f.Task.N, missing, f.Seen})
	d.readers = d.readers.Union(mapreduce.RangesOf(f.Task.N))
}

// mended forgets what a repair makes that an earlier leader has begun: a standby hears of the damage first, and would
// repair it once more.
func (j *job) mended(r *repair) {
	reader := mapreduce.Reduce
	if r.final() {
		reader = mapreduce.Finish
	}
	j.dropReports(r.name, func(of report) bool { return r.feeds(reader, of.reader) && r.generation > of.seen })
}

// satisfied forgets what a reader has missed: another attempt of it found everything.
func (j *job) satisfied(reader mapreduce.TaskID) {
	if reader.Phase == mapreduce.Reduce || reader.Phase == mapreduce.Finish {
		j.dropReports(j.source(reader.Phase), func(of report) bool { return of.reader == reader.N })
	}
}

func (j *job) dropReports(of mapreduce.Phase, moot func(report) bool) {
	d := j.damage[of]
	if d == nil {
		return
	}
	d.reports = slices.DeleteFunc(d.reports, moot)
	if d.readers = nil; len(d.reports) == 0 {
		delete(j.damage, of)
	}
	for _, of := range d.reports {
		d.readers = d.readers.Union(mapreduce.RangesOf(of.reader))
	}
}

// mend begins the repairs that are due: when nobody is left to report more of the same damage, or after a while.
func (s *State) mend(j *job) bool {
	for _, of := range []mapreduce.Phase{mapreduce.Map, mapreduce.Reduce} {
		d := j.damage[of]
		if d == nil || j.inQueue() > 0 && s.now.Before(d.since.Add(s.config.Gather)) || s.now.Before(j.resume) {
			continue
		}
		delete(j.damage, of)
		tasks := d.tasks()
		if s.outOfRepairs(j, fmt.Sprintf("of %s task %s", of, tasks)) {
			return true
		}
		s.repair(j, mapreduce.Repair{
			Generation: j.generation + 1, Phase: of, Tasks: tasks.Coarse(maxRanges), Partitions: j.claimants(of, d).Coarse(maxRanges),
		})
		return true
	}
	return false
}

// outOfRepairs dooms a job that has lost output too often.
func (s *State) outOfRepairs(j *job, what string) bool {
	if int(j.generation) <= s.config.MaxRepairs {
		return false
	}
	j.giveUp(fmt.Sprintf("output was lost %d times, the last time %s", s.config.MaxRepairs, what))
	return true
}

// maxRanges bounds the record of a repair: more scattered damage is repaired with what is between.
const maxRanges = 4096

// tasks are those whose output is missing.
func (d *damage) tasks() (tasks mapreduce.Ranges) {
	for _, of := range d.reports {
		tasks = tasks.Union(of.tasks)
	}
	return tasks
}

// claimants takes the partitions that miss what a phase has made, or will, off the list of those that nobody has spoken for; none: finish
// does.
func (j *job) claimants(of mapreduce.Phase, d *damage) mapreduce.Ranges {
	if of == j.last() {
		return nil
	}
	for _, n := range j.away.Numbers() {
		if !j.settled(n) {
			d.readers = d.readers.Union(mapreduce.RangesOf(n))
		}
	}
	j.away = nil
	return d.readers
}

func (s *State) repair(j *job, r mapreduce.Repair) {
	record := s.record(j, j.state)
	record.Repair = &r
	s.tally.of(r.Phase).Repeated += int64(r.Tasks.Count())
	s.do(WriteRecord{record})
	s.do(MakeLanes{j.open(r).lanes(j.uid)})
	s.do(Tell{s.status(j)})
}

// open takes a recorded repair as the job's. Records come in any order.
func (j *job) open(recorded mapreduce.Repair) *repair {
	at, known := slices.BinarySearchFunc(j.repairs, recorded.Generation, func(r *repair, g mapreduce.Generation) int {
		return int(r.generation) - int(g)
	})
	if known {
		return j.repairs[at]
	}
	made := &repair{newRepairPhase(recorded), recorded.Partitions}
	j.repairs = slices.Insert(j.repairs, at, made)
	j.generation = max(j.generation, recorded.Generation)
	return made
}

// heldBack reports whether a reader must wait for what it reads to be made again.
func (j *job) heldBack(reader mapreduce.Phase, n int) bool {
	if reader != mapreduce.Reduce && reader != mapreduce.Finish {
		return false
	}
	if d := j.damage[j.source(reader)]; d != nil && d.readers.Has(n) {
		return true
	}
	for _, r := range j.repairs {
		if !r.complete() && r.feeds(reader, n) {
			return true
		}
	}
	return false
}

// wants reports whether somebody still waits for a repair. A reader may have been faster than the news of its loss.
func (j *job) wants(r *repair) bool {
	if r.final() {
		return !j.phases[mapreduce.Finish].complete()
	}
	for _, n := range r.partitions.Numbers() {
		if !j.settled(n) {
			return true
		}
	}
	return false
}

// settled reports whether nobody needs the runs of a partition any more, as far as is known.
func (j *job) settled(partition int) bool {
	if !j.phases[mapreduce.Reduce].committed(partition) {
		return false
	}
	for _, r := range j.repairs {
		if r.name == mapreduce.Reduce && r.position(partition) >= 0 && !r.committed(partition) {
			return false
		}
	}
	return true
}

// compare dooms a job whose task gave other output when it ran again: what was read before and what is read from now on
// would not belong together.
func (s *State) compare(j *job, p *phase, c mapreduce.Commit) {
	first := j.phases[p.name]
	at := first.position(c.Task.N)
	if p == first || at < 0 || first.digests[at] == c.Digest || j.doom != "" || j.end != nil {
		return
	}
	j.doom = fmt.Sprintf("not deterministic: %s task %d gave other output when it ran again (%s) than the first time (%s)",
		p.name, c.Task.N, c.Attempt, first.winners[at])
}

// inQueue counts the tasks of the job that are queued and not committed.
func (j *job) inQueue() int {
	n := 0
	for _, p := range j.active() {
		n += p.queued
	}
	return n
}
