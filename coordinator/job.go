package coordinator

import (
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// job is one submission of a job.
type job struct {
	uid   mapreduce.UID
	spec  mapreduce.Job
	state mapreduce.State
	since time.Time // when this leader took it up

	plan    mapreduce.PlanSummary
	planner mapreduce.Attempt // whose plan it is
	reduces int               // partitions, known from mapping on

	phases map[mapreduce.Phase]*phase
	resume time.Time      // zero, or: taken over, its tasks may be running; queue none before
	doom   string         // why it must fail, once known
	ending bool           // WriteEnd is under way
	end    *mapreduce.End // how it ended, decided
	error  string         // of a final state
	tries  mapreduce.AttemptCounts
}

func newJob(uid mapreduce.UID, spec mapreduce.Job, now time.Time) *job {
	return &job{
		uid: uid, spec: spec, state: mapreduce.Queued, since: now,
		phases: map[mapreduce.Phase]*phase{
			mapreduce.Plan:   newPhase(mapreduce.Plan, 1),
			mapreduce.Map:    newPhase(mapreduce.Map, 0),
			mapreduce.Reduce: newPhase(mapreduce.Reduce, 0),
			mapreduce.Finish: newPhase(mapreduce.Finish, 1),
		},
	}
}

// running is the phase whose tasks the job's state lets run, or nil.
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

func (j *job) task(p mapreduce.Phase, n int) mapreduce.TaskID {
	return mapreduce.TaskID{UID: j.uid, Phase: p, N: n, Generation: firstGeneration}
}

const firstGeneration mapreduce.Generation = 1

// lanes are all lanes of the job.
func (j *job) lanes() []mapreduce.Lane {
	lanes := make([]mapreduce.Lane, 0, j.reduces+1)
	for r := range j.reduces {
		lanes = append(lanes, j.task(mapreduce.Reduce, r).Lane())
	}
	return append(lanes, j.task(mapreduce.Finish, 0).Lane())
}

// phase is the tasks of one kind. A committed task costs an Attempt; only those in flight or in trouble cost more.
type phase struct {
	name    mapreduce.Phase
	total   int
	done    int
	winners mapreduce.Roster // by task number; zero: not committed
	next    int              // tasks from here on have never been queued by this leader
	tasks   map[int]*task    // not committed, and queued or tried
	counts  mapreduce.Counts
	roster  *mapreduce.RosterRef // of the winners, once the phase is complete
}

// task is a task that is in the queue, or was tried.
type task struct {
	queued   bool
	round    int
	seq      uint64 // in the queue; 0: not known yet
	missing  bool   // at the last look, the queue had settled it without a commit
	failures int
	losses   int
	reason   string                     // of the last failure
	ended    map[mapreduce.Attempt]bool // failed and lost attempts: a record may be seen twice
}

func newPhase(name mapreduce.Phase, total int) *phase {
	return &phase{name: name, total: total, tasks: map[int]*task{}, winners: make(mapreduce.Roster, total)}
}

// size sets how many tasks the phase has.
func (p *phase) size(total int) {
	p.total, p.winners = total, make(mapreduce.Roster, total)
}

func (p *phase) complete() bool { return p.done == p.total }

func (p *phase) committed(n int) bool { return n < len(p.winners) && !p.winners[n].IsZero() }

// task returns what is known of an uncommitted task, which may be nothing yet.
func (p *phase) task(n int) *task {
	t := p.tasks[n]
	if t == nil {
		t = &task{}
		p.tasks[n] = t
	}
	return t
}

// commit notes the winner of task n, and reports whether that was news.
func (p *phase) commit(n int, by mapreduce.Attempt, counts mapreduce.Counts) bool {
	if n >= len(p.winners) || p.committed(n) {
		return false
	}
	p.winners[n] = by
	p.done++
	p.counts = p.counts.Plus(counts)
	delete(p.tasks, n)
	return true
}

// inQueue counts the tasks that are queued and not committed.
func (p *phase) inQueue() int {
	n := 0
	for _, t := range p.tasks {
		if t.queued {
			n++
		}
	}
	return n
}

// rank is how far on in a job's life a state is.
func rank(s mapreduce.State) int {
	order := []mapreduce.State{mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping, mapreduce.Reducing, mapreduce.Finishing}
	if i := slices.Index(order, s); i >= 0 {
		return i
	}
	return len(order)
}
