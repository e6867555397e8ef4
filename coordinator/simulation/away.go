package simulation

import (
	"slices"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// outage takes a server away, and the lanes that stand on it only: for seconds, or for good. Their names stay. When it
// comes back, so do the runs on them.
func (w *world) outage() bool {
	if len(w.made) == 0 || !w.chance(w.chaos.LanesAway) {
		return w.now < w.config.Until
	}
	var gone []*lane
	chosen := w.made[w.rng.IntN(len(w.made))]
	for _, of := range w.made {
		l, there := w.lanes[of]
		if beside := w.rng.IntN(3) == 0; !there || l.away || of != chosen && !beside {
			continue
		}
		w.note("lane %s is away", of)
		w.bus.lossy[of.UID], l.away = true, true
		w.tally.Away++
		gone = append(gone, l)
	}
	if w.rng.IntN(3) > 0 {
		w.after(w.between(200*time.Millisecond, 15*time.Second), func() { w.comeBack(gone) })
	}
	return true
}

func (w *world) comeBack(lanes []*lane) {
	w.note("%d lanes are back", len(lanes))
	for _, l := range lanes {
		l.away = false
	}
}

// reach is a lane that is there and can be reached.
func (w *world) reach(of mapreduce.Lane) (*lane, bool) {
	l, there := w.lanes[of]
	return l, there && !l.away
}

// make makes the lanes that are not there, and reports those that are and cannot be reached; a leader that ends meanwhile
// makes some of them.
func (l *leader) make(lanes []mapreduce.Lane) {
	var gone []mapreduce.Lane
	for _, of := range lanes {
		if l.w.chance(l.w.chaos.LeaderCrashes / 10) {
			l.crash()
			return
		}
		if !l.w.addLane(of) {
			gone = append(gone, of)
			l.w.bus.strayed[of] = true
		}
	}
	if len(gone) > 0 {
		l.w.note("epoch %d: %d lanes are out of reach: %v", l.epoch, len(gone), gone)
		l.followed = append(l.followed, mapreduce.LanesGone{Lanes: gone})
	}
}

// checkMove checks that a repair without tasks replaces lanes that were reported out of reach, the latest of their kind.
func (w *world) checkMove(uid mapreduce.UID, r mapreduce.Repair) {
	w.tally.Moves++
	reader, partitions := mapreduce.Finish, []int{0}
	if r.Phase == mapreduce.Map && !w.bus.specs[uid].MapOnly {
		reader, partitions = mapreduce.Reduce, r.Partitions.Numbers()
	}
	for _, n := range partitions {
		latest := mapreduce.Lane{UID: uid, Reader: reader, Partition: n, Generation: 1}
		for _, other := range w.bus.repairs[uid] {
			if feeds(other, mapreduce.Failure{Task: mapreduce.TaskID{Phase: reader, N: n}}) {
				latest.Generation = other.Generation
			}
		}
		if !w.bus.strayed[latest] {
			w.violate("job %s: generation %d replaces %s, which nobody found out of reach", uid, r.Generation, latest)
		}
	}
	if len(partitions) == 0 {
		w.violate("job %s: generation %d is for nothing", uid, r.Generation)
	}
}

// checkAwaited checks that lanes are moved only when somebody is still to publish on them, as far as the leader knows.
func (l *leader) checkAwaited(r mapreduce.Record) {
	if r.Repair == nil || len(r.Repair.Tasks) > 0 || !l.current() {
		return
	}
	total := l.w.bus.reduces[r.UID]
	if r.Repair.Phase == mapreduce.Map {
		total = l.w.bus.splits[r.UID]
	}
	for n := range total {
		if !l.known[mapreduce.TaskID{UID: r.UID, Phase: r.Repair.Phase, N: n, Generation: 1}] {
			return
		}
	}
	for _, made := range l.w.bus.repairs[r.UID] {
		for _, n := range made.Tasks.Numbers() {
			again := mapreduce.TaskID{UID: r.UID, Phase: made.Phase, N: n, Generation: made.Generation}
			if made.Phase == r.Repair.Phase && !l.known[again] {
				return
			}
		}
	}
	l.w.violate("epoch %d moves lanes of %s in generation %d, and knows that nobody is to publish on them", l.epoch, r.UID, r.Repair.Generation)
}

// checkReadable checks that a reader looks through the lanes of all generations that feed it, as far as its leader knew.
func (l *leader) checkReadable(task mapreduce.Task) {
	if task.ID.Phase != mapreduce.Reduce && task.ID.Phase != mapreduce.Finish || !l.current() {
		return
	}
	for _, r := range l.w.bus.repairs[task.ID.UID] {
		if !feeds(r, mapreduce.Failure{Task: task.ID}) {
			continue
		}
		if !slices.Contains(task.Lanes, r.Generation) {
			l.w.violate("epoch %d queues %s, which does not look through generation %d", l.epoch, task.ID, r.Generation)
		}
		for _, n := range r.Tasks.Numbers() {
			again := mapreduce.TaskID{UID: task.ID.UID, Phase: r.Phase, N: n, Generation: r.Generation}
			if !l.known[again] {
				l.w.violate("epoch %d queues %s, which reads what %s is to make", l.epoch, task.ID, again)
			}
		}
	}
}

// checkBuried checks that the message of an attempt that is given up as lost is handed on in the same breath, and is
// recorded as lost before.
func (l *leader) checkBuried(commands []coordinator.Command) {
	for i, command := range commands {
		c, lost := command.(coordinator.WriteFailure)
		if !lost {
			continue
		}
		if next := i + 1; next == len(commands) || !l.handsOn(commands[next]) {
			l.w.violate("epoch %d gives %s of %s up, and does not hand it on", l.epoch, c.Failure.Attempt, c.Failure.Task)
		}
	}
}

func (l *leader) handsOn(command coordinator.Command) bool {
	_, on := command.(coordinator.HandOn)
	return on
}
