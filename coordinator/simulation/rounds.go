package simulation

import (
	"slices"

	"jetreduce/mapreduce"
)

// checkRepair checks that a repair makes what somebody has missed, and nobody makes already.
func (w *world) checkRepair(r mapreduce.Record) {
	w.tally.Repairs++
	made := *r.Repair
	w.checkTimely(r.UID, made)
	if len(made.Tasks) == 0 {
		w.checkMove(r.UID, made)
		return
	}
	for _, n := range made.Tasks.Numbers() {
		if !slices.ContainsFunc(w.bus.missed[r.UID], func(f mapreduce.Failure) bool {
			return w.source(f.Task.UID, f.Task.Phase) == made.Phase && f.Missing.Has(n)
		}) {
			w.violate("job %s: repair %d makes %s %d again, which nobody has missed", r.UID, made.Generation, made.Phase, n)
		}
	}
	if !slices.ContainsFunc(w.bus.missed[r.UID], func(f mapreduce.Failure) bool { return feeds(made, f) && w.unmended(f) }) {
		w.violate("job %s: repair %d makes what repairs before it make", r.UID, made.Generation)
	}
}

// checkTimely checks that a repair may be begun at all.
func (w *world) checkTimely(uid mapreduce.UID, made mapreduce.Repair) {
	for _, other := range w.bus.repairs[uid] {
		if other.Generation >= made.Generation {
			w.violate("job %s: repair %d is begun after %d", uid, made.Generation, other.Generation)
		}
	}
	if n := len(w.bus.repairs[uid]); n >= w.scale.repairs {
		w.violate("job %s: repair %d is begun, %d is the bound", uid, made.Generation, w.scale.repairs)
	}
	if w.final(uid) {
		w.violate("job %s: repair %d is begun after its end", uid, made.Generation)
	}
}

// feeds reports whether a repair makes what a reader has missed.
func feeds(r mapreduce.Repair, f mapreduce.Failure) bool {
	if f.Task.Phase == mapreduce.Finish {
		return final(r)
	}
	return !final(r) && r.Partitions.Has(f.Task.N)
}

// final reports whether finish reads what a repair makes.
func final(r mapreduce.Repair) bool { return r.Phase == mapreduce.Reduce || len(r.Partitions) == 0 }

// unmended reports whether nobody makes yet what a reader has missed.
func (w *world) unmended(f mapreduce.Failure) bool {
	return !slices.ContainsFunc(w.bus.repairs[f.Task.UID], func(r mapreduce.Repair) bool {
		return len(r.Tasks) > 0 && feeds(r, f) && r.Generation > f.Seen
	})
}

// checkRoster checks that a reader's roster names of each task the committed attempt of the latest generation that the
// reader looks through, and that all are committed. What a later generation made must be what the first did.
func (w *world) checkRoster(a *attempt, roster mapreduce.Roster) {
	uid, of := a.task.ID.UID, w.source(a.task.ID.UID, a.task.ID.Phase)
	total := w.bus.reduces[uid]
	if of == mapreduce.Map {
		total = w.bus.splits[uid]
	}
	if len(roster) != total {
		w.violate("%s has a roster of %d, there are %d", a, len(roster), total)
	}
	for n, attempt := range roster {
		id := mapreduce.TaskID{UID: uid, Phase: of, N: n, Generation: 1}
		first := w.bus.first[id]
		for _, r := range w.bus.repairs[uid] {
			looked := slices.Contains(a.task.Lanes, r.Generation)
			if looked && feeds(r, mapreduce.Failure{Task: a.task.ID}) && r.Tasks.Has(n) {
				id.Generation = r.Generation
			}
		}
		last := w.bus.first[id]
		if last.Attempt != attempt || attempt.IsZero() {
			w.violate("%s: its roster names %s for %s, committed is %s", a, attempt, id, last.Attempt)
		}
		if last.Digest != first.Digest && !w.over(uid) {
			w.violate("%s reads what generation %d of %s %d made, which is not what the first did", a, id.Generation, of, n)
		}
	}
}

// checkPlan checks that a map reads the committed plan.
func (w *world) checkPlan(a *attempt, ref *mapreduce.PlanRef) {
	if winner := w.bus.first[ref.Plan].Attempt; winner != ref.Attempt {
		w.violate("%s reads the plan of %s, committed is %s's", a, ref.Attempt, winner)
	}
}

// checkNamed checks that a task of a later generation is one that a repair names.
func (w *world) checkNamed(task mapreduce.Task) {
	id := task.ID
	named := slices.ContainsFunc(w.bus.repairs[id.UID], func(r mapreduce.Repair) bool {
		return r.Generation == id.Generation && r.Phase == id.Phase && r.Tasks.Has(id.N) &&
			r.Partitions.String() == task.Partitions.String()
	})
	if id.Generation > 1 && !named {
		w.violate("%s is queued, and no repair names it", id)
	}
}
