package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// checkEnqueue checks what a leader queues: for a job that runs, not committed as far as it knows, within the window.
func (l *leader) checkEnqueue(tasks []mapreduce.Task) {
	uid := tasks[0].ID.UID
	if last := l.w.bus.states[uid]; last.State.Final() && last.epoch == l.epoch {
		l.w.violate("epoch %d queues %s of a job that it ended", l.epoch, tasks[0].ID)
	}
	for _, task := range tasks {
		place, committed := l.w.bus.places[task.ID]
		switch {
		case committed && place < l.barrier:
			l.w.violate("epoch %d queues %s, committed before it took over", l.epoch, task.ID)
		case l.known[task.ID]:
			l.w.violate("epoch %d queues %s, and knows that it is committed", l.epoch, task.ID)
		case task.Epoch != l.epoch:
			l.w.violate("epoch %d queues %s under epoch %d", l.epoch, task.ID, task.Epoch)
		}
		l.w.checkNamed(task)
		l.checkReadable(task)
		l.checkCareful(task)
		l.checkTurn(task)
		l.queued[task.ID] = true
		if task.Speculative {
			l.checkCopy(task)
		} else {
			l.checkHeld(task.ID)
		}
	}
	l.checkWindow(uid)
}

// checkHeld checks that a task is not queued while a worker holds it and has said so. Where heartbeats are unreliable,
// or nobody listens, that is allowed: an attempt for nothing.
func (l *leader) checkHeld(id mapreduce.TaskID) {
	c := l.w.chaos
	if c.BeatLost+c.BeatDelayed+c.WorkerPauses+c.LeaderPauses+c.LeaseLost+c.BusSlow > 0 {
		return
	}
	for _, k := range l.w.workers {
		for _, a := range k.running {
			said := a.since + beatEvery + 100*time.Millisecond
			if a.task.ID == id && l.w.now > said && !l.w.bus.failures[failureKey{id, a.id}] {
				l.w.violate("epoch %d queues %s, which %s holds and has said so", l.epoch, id, a.id)
			}
		}
	}
}

// checkWindow checks how many tasks of a job this leader keeps in the queue. Those that nobody waits for any more do not count.
func (l *leader) checkWindow(uid mapreduce.UID) {
	waiting := map[mapreduce.TaskID]bool{}
	for _, m := range l.w.queue.messages {
		id := m.task.ID
		if id.UID == uid && m.task.Epoch == l.epoch && l.queued[id] && !l.known[id] && !m.task.Speculative && !l.moot(id) {
			waiting[id] = true
		}
	}
	if window := max(l.w.scale.window, 3*l.w.scale.slots*len(l.members)); len(waiting) > window {
		l.w.violate("epoch %d keeps %d tasks of %s in the queue: the window is %d", l.epoch, len(waiting), uid, window)
	}
}

// moot reports whether nobody waits any more for a task that runs again: who missed its output has been faster.
func (l *leader) moot(id mapreduce.TaskID) bool {
	for _, r := range l.w.bus.repairs[id.UID] {
		if r.Generation != id.Generation {
			continue
		}
		if final(r) {
			return l.known[mapreduce.TaskID{UID: id.UID, Phase: mapreduce.Finish, Generation: 1}]
		}
		return !slices.ContainsFunc(r.Partitions.Numbers(), func(n int) bool {
			return !l.known[mapreduce.TaskID{UID: id.UID, Phase: mapreduce.Reduce, N: n, Generation: 1}]
		})
	}
	return false
}

// audit looks at the links, and ends the run when everything is done, or should have been long ago.
func (w *world) audit() bool {
	for _, uid := range w.bus.uids {
		if w.bus.states[uid].State == mapreduce.Done {
			w.checkLinked(uid)
		}
	}
	open := w.open()
	switch {
	case w.now < w.config.Until:
	case open == "":
		w.checkAttempts()
		w.checkAnswersOwed()
		w.checkQuarantines()
		w.drained = true
	case w.now > w.config.Until+drain:
		w.violate("not drained %s after the chaos: %s", drain, open)
	}
	return true
}

// open names something that is still to be done.
func (w *world) open() string {
	switch {
	case w.clients > 0:
		return "clients are still to come, or wait"
	case len(w.leaders) != 1 || w.leaders[0].paused || !w.leaders[0].current():
		return "nobody leads, or too many"
	case len(w.leaders[0].commands)+len(w.leaders[0].inbox)+len(w.leaders[0].followed) > 0:
		return "the leader is busy"
	case w.leaders[0].cursors[1] < len(w.bus.log):
		return "the leader has not heard of everything"
	}
	for _, k := range w.workers {
		if !k.up || k.paused || len(k.running) > 0 {
			return "a worker is busy, or not there"
		}
	}
	return cmp.Or(w.openJob(), w.litter())
}

// litter names something that nobody needs any more.
func (w *world) litter() string {
	for _, m := range w.queue.messages {
		return "a task is in the queue: " + m.task.ID.String()
	}
	left := 0
	for of := range w.lanes {
		if w.bus.states[of.UID].State != mapreduce.Removed || !w.forgets(of.UID) { // else a leader made them that was deposed long ago
			left++
		}
	}
	if left > 0 {
		return fmt.Sprintf("%d lanes are left", left)
	}
	for _, uid := range w.bus.uids {
		if w.bus.states[uid].State != mapreduce.Removed || w.forgets(uid) {
			continue
		}
		if left := w.bus.leftovers(uid); left != "" {
			return "job " + string(uid) + " was removed, and has left " + left
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.links)) {
		if uid := w.links[id].uid; uid != "" && w.bus.states[uid].State != mapreduce.Done && w.fate(uid) != unlinkForbidden {
			return "job " + string(uid) + " is linked, and " + string(w.bus.states[uid].State)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.uploads)) {
		if !w.uploads[name].gone && w.needs(name) == "" {
			return "upload " + name + " is left, and nobody needs it"
		}
	}
	return ""
}

func (w *world) openJob() string {
	for i, s := range w.bus.submissions {
		if !s.accepted {
			return "a submission is not settled: " + string(s.job.ID)
		}
		if s.refuse && s.reason == "" && !w.stillborn(uint64(i+1)) {
			w.violate("submission %d had to be refused", i+1)
		}
	}
	for _, uid := range w.bus.uids {
		if last := w.bus.states[uid]; !last.State.Final() || !last.Swept {
			return fmt.Sprintf("job %s is %s, swept: %t", uid, last.State, last.Swept)
		}
	}
	return ""
}

// stillborn reports whether a submission became a job that says that it was refused.
func (w *world) stillborn(seq uint64) bool {
	return slices.ContainsFunc(w.bus.uids, func(uid mapreduce.UID) bool {
		return w.bus.births[uid].Seq == seq && w.bus.births[uid].State == mapreduce.Failed
	})
}

// checkAnswersOwed checks that whoever still leads has answered all that it was asked.
func (w *world) checkAnswersOwed() {
	for _, reply := range slices.Sorted(maps.Keys(w.requests)) {
		if r := w.requests[reply]; slices.Contains(r.owed, w.bus.epoch) {
			w.violate("epoch %d has not answered %s (%s %s)", w.bus.epoch, reply, r.want, r.job)
		}
	}
}

// checkAttempts bounds the work: each attempt beyond the first of a task and generation has a cause, and a cause has a few
// at most.
func (w *world) checkAttempts() {
	tasks := 0
	for _, uid := range w.bus.uids {
		tasks += 2 + w.bus.splits[uid] + w.bus.reduces[uid]
		for _, r := range w.bus.repairs[uid] {
			tasks += r.Tasks.Count()
		}
	}
	t := w.tally
	bound := tasks*t.Leaders + 2*(t.Losses+t.Redelivered+t.Failures) + t.Withdrawn + t.Speculated + 3*t.Late + (w.scale.slots+1)*(t.Crashes+t.Silences)
	if t.Attempts > bound {
		w.violate("%d attempts of %d tasks: %d is the bound: %+v", t.Attempts, tasks, bound, t)
	}
}
