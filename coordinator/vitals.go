package coordinator

import (
	"cmp"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// tally counts what has happened in one leadership, of all jobs.
type tally struct {
	since  time.Time
	phases map[mapreduce.Phase]*mapreduce.PhaseVitals
	bytes  mapreduce.ByteCounts
	lost   int64 // workers
	ended  map[mapreduce.State]int64
}

func newTally(now time.Time) *tally {
	t := &tally{since: now, phases: map[mapreduce.Phase]*mapreduce.PhaseVitals{}, ended: map[mapreduce.State]int64{}}
	for _, p := range phaseOrder() {
		t.phases[p] = &mapreduce.PhaseVitals{Phase: p}
	}
	return t
}

// of is what is counted of a phase. Of one that there is not, nobody asks.
func (t *tally) of(p mapreduce.Phase) *mapreduce.PhaseVitals {
	if t.phases[p] == nil {
		t.phases[p] = &mapreduce.PhaseVitals{Phase: p}
	}
	return t.phases[p]
}

func (t *tally) commit(c mapreduce.Commit) {
	of := t.of(c.Task.Phase)
	of.Committed++
	of.Took += c.Took
	t.bytes.In += c.Counts.Bytes
	t.bytes.Shuffled += c.Counts.Shuffled
	t.bytes.Out += c.Counts.Out
}

func (t *tally) fail(f mapreduce.Failure) {
	if innocent(f) {
		t.of(f.Task.Phase).Lost++
	} else {
		t.of(f.Task.Phase).Failed++
	}
}

// vitals is how the whole system is. It takes as long as there are workers, and tasks in the queue.
func (s *State) vitals() *mapreduce.Vitals {
	v := &mapreduce.Vitals{
		Epoch: s.config.Epoch, Leader: s.config.Process, Since: s.tally.since, Jobs: s.states(), Bytes: s.tally.bytes,
		Workers: len(s.workers), Lost: s.tally.lost, Ended: map[mapreduce.State]int64{},
	}
	for state, n := range s.tally.ended {
		v.Ended[state] = n
	}
	phases := map[mapreduce.Phase]*mapreduce.PhaseVitals{}
	for _, p := range phaseOrder() {
		of := *s.tally.of(p)
		phases[p] = &of
	}
	v.Slots, v.Busy = s.occupation(phases)
	v.Queues, v.Vacant = s.queues(phases), s.vacancies()
	for _, p := range phaseOrder() {
		v.Tasks = append(v.Tasks, *phases[p])
	}
	return v
}

// occupation counts the slots of all workers, and those in which something runs, by class, and what runs, by phase.
func (s *State) occupation(phases map[mapreduce.Phase]*mapreduce.PhaseVitals) (slots, busy map[mapreduce.Class]int) {
	slots, busy = map[mapreduce.Class]int{}, map[mapreduce.Class]int{}
	for _, m := range s.workers {
		for class, n := range m.beat.Slots {
			slots[class] += n
		}
		for _, r := range m.beat.Running {
			j, p := s.find(r.Task)
			if p == nil || p.position(r.Task.N) < 0 || p.committed(r.Task.N) || s.ended(r) {
				continue
			}
			phases[p.name].Running++
			busy[s.class(j, p.name)]++
		}
	}
	return slots, busy
}

// queues is how tasks wait, by pool and class: of all that there are workers or tasks of.
func (s *State) queues(phases map[mapreduce.Phase]*mapreduce.PhaseVitals) []mapreduce.QueueVitals {
	found := map[line]mapreduce.QueueVitals{}
	for l := range s.slots {
		found[l] = mapreduce.QueueVitals{}
	}
	for _, j := range s.live {
		for _, p := range j.active() {
			waiting, since := s.waits(j, p)
			phases[p.name].Queued += waiting
			q := found[s.line(j, p.name)]
			if q.Waiting += waiting; waiting > 0 {
				q.Oldest = max(q.Oldest, s.now.Sub(since))
			}
			found[s.line(j, p.name)] = q
		}
	}
	queues := make([]mapreduce.QueueVitals, 0, len(found))
	for l, q := range found {
		queues = append(queues, mapreduce.QueueVitals{Pool: l.pool, Class: l.class, Waiting: q.Waiting, Oldest: q.Oldest})
	}
	slices.SortFunc(queues, func(a, b mapreduce.QueueVitals) int {
		return cmp.Or(cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.Class, b.Class))
	})
	return queues
}

// waits is how many tasks of a phase stand in the queue and are run by nobody, and since when the first of them does.
func (s *State) waits(j *job, p *phase) (waiting int, since time.Time) {
	for n, t := range p.tasks {
		if !t.queued || s.held(j.task(p, n)) {
			continue
		}
		if waiting++; since.IsZero() || t.since.Before(since) {
			since = t.since
		}
	}
	return waiting, since
}
