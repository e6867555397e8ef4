package coordinator

import (
	"slices"

	"jetreduce/mapreduce"
)

// A lane may stand on one server only, and that server may be gone. What was read from it is missed by its reader, and made
// again (repair.go). Who still has to publish on it needs another, and a lane that is out of reach cannot be made again
// under its name: so a repair is opened that no task has to run for, only for the lanes of its generation.
//
//	map 7 cannot publish for partitions 3, 5 ─▶ repair: generation 2, no tasks, partitions 3, 5
//	maps in the queue ─▶ taken out at the next look at it, and queued again
//	map 7, later ones: partitions 3, 5 on lanes of generation 2, all others on the first
//	reduce 3, 5 read the later one, and the first for what is missing

// remake makes the lanes of a job that are not there, and that somebody may still publish on: to look for those that were left, which may be
// out of reach, would take long. Attempts that began before it was done last will report the same.
func (s *State) remake(j *job) {
	if s.now.Sub(j.remade) >= s.config.Gather {
		j.remade = s.now
		s.do(MakeLanes{slices.DeleteFunc(j.lanes(), j.left)})
	}
}

// left reports whether tasks that are queued from now on publish on another lane instead of this.
func (j *job) left(lane mapreduce.Lane) bool {
	return lane.Generation != j.publishing(j.source(lane.Reader), lane.Partition)
}

// strand moves lanes that are out of reach, as far as somebody is still to publish on them.
func (s *State) strand(e mapreduce.LanesGone) {
	gone := map[mapreduce.Lane]bool{}
	for _, lane := range e.Lanes {
		gone[lane] = true
	}
	for _, j := range slices.Clone(s.live) {
		if j.state.Final() {
			continue
		}
		j.away = j.away.Union(j.unread(gone))
		for _, of := range []mapreduce.Phase{mapreduce.Map, mapreduce.Reduce} {
			if moved := j.awaited(of, gone); len(moved) > 0 {
				s.move(j, of, moved)
			}
		}
		s.advance(j)
	}
}

// unread is the partitions whose runs stand on lanes that are gone. Their readers will all miss them: what the first of them reports is made
// again for all, in one repair. Before a map is committed there are no runs.
func (j *job) unread(gone map[mapreduce.Lane]bool) mapreduce.Ranges {
	if maps := j.phases[mapreduce.Map]; maps == nil || maps.done == 0 {
		return nil
	}
	var partitions []int
	for lane := range gone {
		if lane.UID == j.uid && lane.Reader == mapreduce.Reduce {
			partitions = append(partitions, lane.Partition)
		}
	}
	return mapreduce.RangesOf(partitions...)
}

// awaited is the partitions of the lanes that are gone, and on which tasks of a phase are still to publish.
func (j *job) awaited(of mapreduce.Phase, gone map[mapreduce.Lane]bool) mapreduce.Ranges {
	var partitions []int
	for lane := range gone {
		if lane.UID == j.uid && j.source(lane.Reader) == of && !j.left(lane) && !j.published(of, lane.Partition) {
			partitions = append(partitions, lane.Partition)
		}
	}
	return mapreduce.RangesOf(partitions...)
}

// publishing is the generation of the lane on which tasks of a phase publish for a partition.
func (j *job) publishing(of mapreduce.Phase, partition int) mapreduce.Generation {
	latest := firstGeneration
	for _, r := range j.repairs {
		if r.name == of && (r.final() || r.partitions.Has(partition)) {
			latest = r.generation
		}
	}
	return latest
}

// published reports whether no task of a phase is still to publish for a partition.
func (j *job) published(of mapreduce.Phase, partition int) bool {
	if !j.phases[of].complete() {
		return false
	}
	for _, r := range j.repairs {
		if r.name == of && !r.complete() && (r.final() || r.partitions.Has(partition)) {
			return false
		}
	}
	return true
}

func (s *State) move(j *job, of mapreduce.Phase, partitions mapreduce.Ranges) {
	if s.outOfRepairs(j, "lanes of partitions "+partitions.String()) {
		return
	}
	r := mapreduce.Repair{Generation: j.generation + 1, Phase: of}
	if of != j.last() {
		r.Partitions = partitions
	}
	s.repair(j, r)
	j.outdate(of, partitions)
}

// outdate notes that the messages of a phase's tasks name lanes that were left.
func (j *job) outdate(of mapreduce.Phase, partitions mapreduce.Ranges) {
	for _, p := range j.active() {
		some := j.partitions(p)
		if p.name != of || len(some) > 0 && !slices.ContainsFunc(partitions.Numbers(), some.Has) {
			continue
		}
		for _, t := range p.tasks {
			t.outdated = t.queued
		}
	}
}

// callBack takes such tasks out of the queue that nobody had been given when somebody looked: each would be tried in vain first. They are
// queued again, and name other lanes, when whoever was given one meanwhile has said so.
func (s *State) callBack(l line, delivered uint64) {
	if !s.leading {
		return
	}
	var back []uint64
	s.eachQueued(l, delivered, func(j *job, p *phase, n int, t *task) {
		if t.outdated && t.copy == nil && !s.held(j.task(p, n)) {
			p.mark(t, false)
			back, j.stepped = append(back, t.seq), s.now
		}
	})
	s.callOff(back)
}

// moves says where tasks of a phase publish what no longer goes on the lanes of their own generation: the last that has a
// partition counts.
func (j *job) moves(p *phase) []mapreduce.Move {
	var moves []mapreduce.Move
	for _, r := range j.repairs {
		if r.name == p.name && r.generation > p.generation {
			moves = append(moves, mapreduce.Move{Generation: r.generation, Partitions: r.partitions})
		}
	}
	return moves
}
