package simulation

import (
	"slices"

	"jetreduce/mapreduce"
)

// checkFence checks that of two leaders one only gets its writes accepted: that of the latest epoch.
func (w *world) checkFence(epoch mapreduce.Epoch, r mapreduce.Record) {
	if epoch != w.bus.epoch {
		w.violate("epoch %d writes %s, while epoch %d stands", epoch, described(r), w.bus.epoch)
	}
}

// checkRecord checks a state record as it is written: what has been promised by then must hold.
func (w *world) checkRecord(r mapreduce.Record) {
	w.note("record %s", described(r))
	before, known := w.bus.states[r.UID]
	switch {
	case r.Repair != nil:
		w.checkRepair(r)
		return
	case r.Quarantine != nil:
		w.checkPart(r)
		return
	case !w.follows(before.Record, r):
		w.violate("job %s goes from %q to %q", r.UID, before.State, r.State)
		return
	case !known:
		w.checkTakenUp(r)
		return
	case r.Swept:
		return
	}
	if r.State == mapreduce.Removed {
		w.checkRemoved(before, r)
	}
	w.checkPhases(r)
	if r.State.Final() && r.State != mapreduce.Removed {
		w.checkFinal(r)
	}
}

// follows reports whether a job may go from one state to the other.
func (w *world) follows(from, to mapreduce.Record) bool {
	path := []mapreduce.State{
		"", mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping, mapreduce.Reducing, mapreduce.Finishing, mapreduce.Done,
	}
	if w.bus.specs[to.UID].MapOnly {
		path = slices.DeleteFunc(path, func(s mapreduce.State) bool { return s == mapreduce.Reducing })
	}
	switch {
	case to.Swept && from.State.Final():
		return from.State == to.State
	case to.State == mapreduce.Removed && w.bus.erased[to.UID]:
		return true // by a standby that was away for longer than removed jobs are remembered: to it this one is still there
	case to.State == mapreduce.Removed:
		return from.State.Final() && !from.Swept || from.State.Final() && from.State != mapreduce.Removed
	case to.State == mapreduce.Failed && from.State == "":
		return to.Swept && to.Error != "" // it was refused
	case to.State == mapreduce.Failed || to.State == mapreduce.Cancelled:
		return from.State != "" && !from.State.Final()
	}
	at := slices.Index(path, from.State)
	return at >= 0 && at+1 < len(path) && path[at+1] == to.State
}

// checkTakenUp checks that one submission makes one job, and one id too, but for a retry.
func (w *world) checkTakenUp(r mapreduce.Record) {
	w.tally.Jobs++
	for _, uid := range w.bus.uids {
		other := w.bus.births[uid]
		if r.Seq > 0 && other.Seq == r.Seq {
			w.violate("submission %d (%s) is taken up as %s, and was as %s", r.Seq, r.Job, r.UID, uid)
		}
		state := w.bus.states[uid].State
		retried := r.Retry == other.Retry+1 && (state == mapreduce.Failed || state == mapreduce.Cancelled)
		if other.Job == r.Job && state != mapreduce.Removed && !retried {
			w.violate("%s is taken up as %s, while there is %s, which is %s", r.Job, r.UID, uid, state)
		}
	}
	w.bus.uids = append(w.bus.uids, r.UID)
	w.bus.births[r.UID], w.bus.specs[r.UID] = r, *r.Spec
}

// checkPhases checks that a state is entered only when the phase before is committed.
func (w *world) checkPhases(r mapreduce.Record) {
	switch r.State {
	case mapreduce.Mapping:
		w.checkCommitted(r.UID, mapreduce.Plan, 1)
		w.bus.reduces[r.UID] = r.Reduces
	case mapreduce.Reducing:
		w.checkCommitted(r.UID, mapreduce.Map, w.bus.splits[r.UID])
	case mapreduce.Finishing:
		if w.bus.specs[r.UID].MapOnly {
			w.checkCommitted(r.UID, mapreduce.Map, w.bus.splits[r.UID])
		}
		w.checkCommitted(r.UID, mapreduce.Reduce, w.bus.reduces[r.UID])
	case mapreduce.Done:
		w.checkCommitted(r.UID, mapreduce.Finish, 1)
	}
}

func (w *world) checkCommitted(uid mapreduce.UID, phase mapreduce.Phase, tasks int) {
	for n := range tasks {
		id := mapreduce.TaskID{UID: uid, Phase: phase, N: n, Generation: 1}
		if _, committed := w.bus.commits[id]; !committed {
			w.violate("job %s goes on without the commit of %s", uid, id)
		}
	}
}

// checkCommit notes a commit. A second one for a task counts for nothing, so it may only come when the first is forgotten.
func (w *world) checkCommit(c mapreduce.Commit) {
	if _, again := w.bus.first[c.Task]; again {
		if !w.final(c.Task.UID) {
			w.violate("%s is committed again, by %s", c.Task, c.Attempt)
		}
		return
	}
	w.bus.first[c.Task] = c
	if c.Plan != nil {
		w.bus.splits[c.Task.UID] = c.Plan.Splits
	}
}

// checkFinal checks how a job ends.
func (w *world) checkFinal(r mapreduce.Record) {
	output, published := w.bus.outputs[r.UID]
	end, decided := w.bus.decided[r.UID]
	switch {
	case !w.allows(r.UID, r):
		w.violate("job %s is %s (%s), but %s", r.UID, r.State, r.Error, w.input(r.UID).fate)
	case !decided:
		w.violate("job %s is %s, which nobody decided", r.UID, r.State)
	case published != (r.State == mapreduce.Done) && !w.half(r.UID):
		w.violate("job %s is %s, and its output is published: %t", r.UID, r.State, published)
	case published && output != w.bus.truth[r.UID]:
		w.violate("job %s has output %v, a sequential run %v", r.UID, output, w.bus.truth[r.UID])
	case published && end.Digest != output.digest():
		w.violate("job %s has output %v, which is not what was decided", r.UID, output)
	case r.State == mapreduce.Failed && r.Error == "":
		w.violate("job %s failed without a reason", r.UID)
	}
	if r.State == mapreduce.Done {
		w.checkLinked(r.UID)
	}
}

// checkFailing checks that a leader fails no job of which it knows that finish has published what was decided, unless the
// result cannot have its name.
func (l *leader) checkFailing(r mapreduce.Record) {
	finish := mapreduce.TaskID{UID: r.UID, Phase: mapreduce.Finish, Generation: 1}
	failing := r.State == mapreduce.Failed && !l.w.final(r.UID)
	if failing && l.known[finish] && l.w.bus.decided[r.UID].State == mapreduce.Done && l.w.input(r.UID).fate != linkForbidden {
		l.w.violate("epoch %d fails %s (%s), and knows that its output is published", l.epoch, r.UID, r.Error)
	}
}

// half reports whether a job may fail with its output out: it was decided to be done, one attempt publishes what was decided,
// and another, which had to make it again, could not, or made something else from a program that is not deterministic. Or the
// output cannot have its name.
func (w *world) half(uid mapreduce.UID) bool {
	fate := w.input(uid).fate
	return w.bus.decided[uid].State == mapreduce.Done && (fate == fickle || fate == linkForbidden || fate == someLack || w.bus.spoiled[uid] ||
		w.exhausted(uid))
}

// checkLinked checks that the result of a job that is done is found under its name.
func (w *world) checkLinked(uid mapreduce.UID) {
	spec := w.bus.specs[uid]
	if at := w.link(spec.ID).uid; spec.Output.OnBus() && at != uid {
		w.violate("job %s is done, and %s leads to %q", uid, spec.ID, at)
	}
}

// checkEnd checks that no second end is decided, and works out what the output must be then.
func (w *world) checkEnd(e mapreduce.End) {
	if w.bus.erased[e.UID] && e.State != mapreduce.Done {
		return // by a leader that was deposed long ago: it changes nothing
	}
	if other, twice := w.bus.decided[e.UID]; twice {
		w.violate("job %s ends twice: %s and %s", e.UID, other.State, e.State)
	}
	w.bus.decided[e.UID] = e
	if e.State == mapreduce.Done {
		w.bus.truth[e.UID] = w.truth(e.UID)
	}
	if in := w.input(e.UID); e.State == mapreduce.Done && in.fate != fickle && w.bus.truth[e.UID] != in.total() {
		w.violate("job %s makes %v, a sequential run %v", e.UID, w.bus.truth[e.UID], in.total())
	}
}

// checkOutput checks that what is published was decided, and is not published beside a failure.
func (w *world) checkOutput(uid mapreduce.UID, output bag) {
	w.note("output of %s", uid)
	standing := w.bus.states[uid].State
	switch {
	case w.bus.decided[uid].State != mapreduce.Done:
		w.violate("output of %s is published, its end is %q", uid, w.bus.decided[uid].State)
	case (standing == mapreduce.Failed || standing == mapreduce.Cancelled) && !w.half(uid):
		w.violate("output of %s is published, the job is %s", uid, standing)
	case output != w.bus.truth[uid]:
		w.violate("output %v of %s is published, a sequential run makes %v", output, uid, w.bus.truth[uid])
	}
}

// checkAccepted checks that a submission is settled only when it is recorded, the same as a recorded one, or refused.
func (w *world) checkAccepted(seq uint64, s *submission) {
	if s.reason != "" {
		return
	}
	for _, uid := range w.bus.uids {
		if w.bus.births[uid].Seq == seq || w.same(uid, s.job) {
			return
		}
	}
	w.violate("submission %d is settled, but neither recorded nor refused", seq)
}

// checkForget checks that only what ended jobs have recorded is forgotten.
func (w *world) checkForget(uid mapreduce.UID, whole bool) {
	state := w.bus.states[uid].State
	if !state.Final() || whole && state != mapreduce.Removed {
		w.violate("job %s is forgotten, whole: %t, but it is %s", uid, whole, state)
	}
	if !whole {
		w.checkKept(uid)
	}
}

// checkDrop checks that a lane is dropped only when nobody needs it: the end is decided, and what it decided is out.
func (w *world) checkDrop(l mapreduce.Lane) {
	end, decided := w.bus.decided[l.UID]
	_, published := w.bus.outputs[l.UID]
	if w.final(l.UID) {
		return
	}
	if !decided || end.State == mapreduce.Done && !published {
		w.violate("lane %s is dropped, the end is decided: %t, the output published: %t", l, decided, published)
	}
}

// checkStatus checks what users are told.
func (w *world) checkStatus(s mapreduce.Status) {
	w.told = w.told*31 + uint64(s.Bytes.Done) + uint64(s.Attempts.Failed+s.Attempts.Lost)
	if s.Maps.Done > s.Maps.Total || s.Reduces.Done > s.Reduces.Total {
		w.violate("status of %s: more tasks done than there are: %+v", s.UID, s)
	}
	if s.State.Final() && !w.final(s.UID) {
		w.violate("users are told that %s is %s before it is recorded", s.UID, s.State)
	}
}
