package coordinator

import (
	"maps"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// job is one submission of a job.
type job struct {
	uid     mapreduce.UID
	spec    mapreduce.Job
	digest  string    // of the description: once done, the job needs no more of it
	seq     uint64    // of its submission in the jobs stream, which a leader before this one may not have settled; 0: a request
	known   bool      // its first record is here; of others in any order
	retry   int       // the how manieth retry it is
	exec    bool      // it came from where only those who may have commands run can submit
	dropped bool      // its lanes were dropped before it was removed
	removed time.Time // when it was, if it was
	state   mapreduce.State
	at      time.Time // when it was submitted

	plan    mapreduce.PlanSummary
	planner mapreduce.Attempt // whose plan it is
	reduces int               // partitions, known from mapping on; none of a job that is map only

	phases     map[mapreduce.Phase]*phase // the first generation
	repairs    []*repair                  // later ones, ascending
	generation mapreduce.Generation       // the latest
	damage     map[mapreduce.Phase]*damage

	filled  time.Time                     // when its window was filled last
	remade  time.Time                     // when its lanes were looked for last, since somebody missed one
	away    mapreduce.Ranges              // partitions whose lanes are gone, and of which nobody has said yet that runs are missing
	stepped time.Time                     // when tasks of it were last taken out of the queue to be queued again
	vacant  time.Time                     // since when it has had no worker; zero: it has some
	resume  time.Time                     // zero: no earlier leader has queued any; or: taken over, its tasks may run; queue none before
	doom    string                        // why it must fail, once known
	ending  bool                          // WriteEnd is under way
	linking bool                          // Link is under way
	linked  bool                          // the result on the bus has its name
	bad     map[int][]mapreduce.BadRecord // records that were left out, by map
	parts   map[int][]mapreduce.BadRecord // the same, by part, of a job that has ended
	end     *mapreduce.End                // how it ended, decided
	error   string                        // of a final state
	swept   bool                          // final, and nothing but its records is left of it
	summary *mapreduce.Summary            // of a final one: its commits are forgotten
	tries   mapreduce.AttemptCounts
	asking  []string // who wants to know how it ends

	past  mapreduce.State // under which it is counted among those that have ended
	chart *chart          // how its attempts went; nil: none has, or that has been kept
}

const firstGeneration mapreduce.Generation = 1

func newJob(uid mapreduce.UID) *job {
	return &job{
		uid: uid, state: mapreduce.Queued, generation: firstGeneration, damage: map[mapreduce.Phase]*damage{},
		phases: map[mapreduce.Phase]*phase{
			mapreduce.Plan:   newPhase(mapreduce.Plan, 1),
			mapreduce.Map:    newPhase(mapreduce.Map, 0),
			mapreduce.Reduce: newPhase(mapreduce.Reduce, 0),
			mapreduce.Finish: newPhase(mapreduce.Finish, 1),
		},
	}
}

// last is the phase whose output finish reads.
func (j *job) last() mapreduce.Phase {
	if j.spec.MapOnly {
		return mapreduce.Map
	}
	return mapreduce.Reduce
}

// source is the phase whose output a phase reads.
func (j *job) source(reader mapreduce.Phase) mapreduce.Phase {
	if reader == mapreduce.Finish {
		return j.last()
	}
	return mapreduce.Map
}

// divided reports whether it is known how many partitions the job has, so that it may have lanes.
func (j *job) divided() bool {
	return j.reduces > 0 || j.spec.MapOnly && rank(j.state) >= rank(mapreduce.Mapping)
}

// running is the phase that the job's state waits for, or nil.
func (j *job) running() *phase {
	switch j.state {
	case mapreduce.Planning:
		return j.phases[mapreduce.Plan]
	case mapreduce.Mapping:
		return j.phases[mapreduce.Map]
	case mapreduce.Reducing:
		return j.phases[mapreduce.Reduce]
	case mapreduce.Finishing:
		return j.phases[mapreduce.Finish]
	}
	return nil
}

// active is all phases whose tasks may run: what is lost is made again first.
func (j *job) active() []*phase {
	var active []*phase
	for _, r := range j.repairs {
		if !r.complete() && j.wants(r) {
			active = append(active, r.phase)
		}
	}
	if p := j.running(); p != nil {
		active = append(active, p)
	}
	return active
}

// all is all phases of all generations, in no order.
func (j *job) all() []*phase {
	all := slices.Collect(maps.Values(j.phases))
	for _, r := range j.repairs {
		all = append(all, r.phase)
	}
	return all
}

// phase is that of a task, or nil when the job has no such generation.
func (j *job) phase(id mapreduce.TaskID) *phase {
	if id.Generation == firstGeneration {
		return j.phases[id.Phase]
	}
	for _, r := range j.repairs {
		if r.generation == id.Generation && r.name == id.Phase && r.position(id.N) >= 0 {
			return r.phase
		}
	}
	return nil
}

func (j *job) task(p *phase, n int) mapreduce.TaskID {
	return mapreduce.TaskID{UID: j.uid, Phase: p.name, N: n, Generation: p.generation}
}

// lanes are all lanes of the job.
func (j *job) lanes() []mapreduce.Lane {
	lanes := make([]mapreduce.Lane, 0, j.reduces+1)
	for r := range j.reduces {
		lanes = append(lanes, mapreduce.Lane{UID: j.uid, Reader: mapreduce.Reduce, Partition: r, Generation: firstGeneration})
	}
	lanes = append(lanes, mapreduce.Lane{UID: j.uid, Reader: mapreduce.Finish, Generation: firstGeneration})
	for _, r := range j.repairs {
		lanes = append(lanes, r.lanes(j.uid)...)
	}
	return lanes
}

// rank is how far on in a job's life a state is.
func rank(s mapreduce.State) int {
	order := []mapreduce.State{mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping, mapreduce.Reducing, mapreduce.Finishing}
	switch i := slices.Index(order, s); {
	case i >= 0:
		return i
	case s == mapreduce.Removed:
		return len(order) + 1
	}
	return len(order)
}
