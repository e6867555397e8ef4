package simulation

import (
	"cmp"
	"fmt"
	"time"

	"jetreduce/mapreduce"
)

// checkPlan checks that a map reads the committed plan.
func (w *world) checkPlan(a *attempt, ref *mapreduce.PlanRef) {
	if winner := w.bus.commits[ref.Plan].Attempt; winner != ref.Attempt {
		w.violate("%s reads the plan of %s, committed is %s's", a, ref.Attempt, winner)
	}
}

// checkRoster checks that a reader's roster names the committed attempt of each task, and that all are committed.
func (w *world) checkRoster(a *attempt, of mapreduce.Phase, roster mapreduce.Roster) {
	total := w.bus.reduces[a.task.ID.UID]
	if of == mapreduce.Map {
		total = w.splits(a.task.ID.UID)
	}
	if len(roster) != total {
		w.violate("%s has a roster of %d, there are %d", a, len(roster), total)
	}
	for n, attempt := range roster {
		id := mapreduce.TaskID{UID: a.task.ID.UID, Phase: of, N: n, Generation: 1}
		if winner := w.bus.commits[id].Attempt; winner != attempt || winner.IsZero() {
			w.violate("%s: its roster names %s for %s, committed is %s", a, attempt, id, winner)
		}
	}
}

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
		l.queued[task.ID] = true
		l.checkHeld(task.ID)
	}
	l.checkWindow(uid)
}

// checkHeld checks that a task is not queued while a worker holds it and has said so. Where heartbeats are unreliable,
// or nobody listens, that is allowed: an attempt for nothing.
func (l *leader) checkHeld(id mapreduce.TaskID) {
	c := l.w.chaos
	if c.BeatLost+c.BeatDelayed+c.WorkerPauses+c.LeaderPauses+c.BusSlow > 0 {
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

// checkWindow checks how many tasks of a job this leader keeps in the queue.
func (l *leader) checkWindow(uid mapreduce.UID) {
	waiting := 0
	for id := range l.queued {
		if id.UID == uid && !l.known[id] {
			waiting++
		}
	}
	if window := max(l.w.scale.window, 3*l.w.scale.slots*len(l.members)); waiting > window {
		l.w.violate("epoch %d keeps %d tasks of %s in the queue: the window is %d", l.epoch, waiting, uid, window)
	}
}

// audit ends the run when everything is done, or should have been long ago.
func (w *world) audit() bool {
	open := w.open()
	switch {
	case w.now < w.config.Until:
	case open == "":
		w.checkAttempts()
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
		return "submissions are still to come"
	case len(w.leaders) != 1 || w.leaders[0].paused:
		return "nobody leads, or too many"
	case len(w.leaders[0].commands)+len(w.leaders[0].inbox)+len(w.leaders[0].followed) > 0:
		return "the leader is busy"
	}
	for _, k := range w.workers {
		if !k.up || k.paused || len(k.running) > 0 {
			return "a worker is busy, or not there"
		}
	}
	return cmp.Or(w.openJob(), w.litter())
}

// litter names something that finished jobs have left behind.
func (w *world) litter() string {
	switch {
	case len(w.queue.messages) > 0:
		return "a task is in the queue: " + w.queue.messages[0].task.ID.String()
	case len(w.lanes) > 0:
		return fmt.Sprintf("%d lanes are left", len(w.lanes))
	}
	return ""
}

func (w *world) openJob() string {
	for i, s := range w.bus.submissions {
		if !s.accepted {
			return "a submission is not settled: " + string(s.job.ID)
		}
		if s.refuse && s.reason == "" {
			w.violate("submission %d had to be refused", i+1)
		}
	}
	for _, r := range w.bus.records {
		if !w.final(r.UID) {
			return "job " + string(r.UID) + " is " + string(w.bus.states[r.UID].State)
		}
	}
	return ""
}

// checkAttempts bounds the work: each attempt beyond the first of a task has a cause, and a cause has a few at most.
func (w *world) checkAttempts() {
	tasks := 0
	for _, r := range w.bus.records {
		if r.State == mapreduce.Queued {
			tasks += 2 + w.splits(r.UID) + w.bus.reduces[r.UID]
		}
	}
	t := w.tally
	bound := tasks*t.Leaders + 2*(t.Losses+t.Redelivered+t.Failures) + 3*t.Late + (w.scale.slots+1)*(t.Crashes+t.Silences)
	if t.Attempts > bound {
		w.violate("%d attempts of %d tasks: %d is the bound: %+v", t.Attempts, tasks, bound, t)
	}
}
