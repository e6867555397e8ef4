package simulation

import (
	"slices"

	"jetreduce/mapreduce"
)

// checkRecord checks a state record as it is written: what has been promised by then must hold.
func (w *world) checkRecord(r mapreduce.Record) {
	w.note("record %s %s", r.UID, r.State)
	before, known := w.bus.states[r.UID]
	if !follows(before.State, r.State) {
		w.violate("job %s goes from %q to %q", r.UID, before.State, r.State)
		return
	}
	if !known {
		w.checkTakenUp(r)
		return
	}
	w.checkPhases(r)
	if r.State.Final() {
		w.checkFinal(r)
	}
}

// follows reports whether a job may go from one state to the other.
func follows(from, to mapreduce.State) bool {
	path := []mapreduce.State{
		"", mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping, mapreduce.Reducing, mapreduce.Finishing, mapreduce.Done,
	}
	if to == mapreduce.Failed || to == mapreduce.Cancelled {
		return from != "" && !from.Final()
	}
	at := slices.Index(path, from)
	return at >= 0 && at+1 < len(path) && path[at+1] == to
}

// checkTakenUp checks that one submission makes one job, and one id too.
func (w *world) checkTakenUp(r mapreduce.Record) {
	w.tally.Jobs++
	for _, other := range w.bus.records {
		if other.State == mapreduce.Queued && (other.Seq == r.Seq || other.Job == r.Job) {
			w.violate("submission %d (%s) is taken up as %s, and was as %s", r.Seq, r.Job, r.UID, other.UID)
		}
	}
	w.bus.specs[r.UID] = *r.Spec
	if in := w.inputs[r.Spec.Inputs[0]]; in != nil && in.fate == cancelled {
		w.cancel(r.UID)
	}
}

// checkPhases checks that a state is entered only when the phase before is committed.
func (w *world) checkPhases(r mapreduce.Record) {
	switch r.State {
	case mapreduce.Mapping:
		w.checkCommitted(r.UID, mapreduce.Plan, 1)
		w.bus.reduces[r.UID] = r.Reduces
	case mapreduce.Reducing:
		w.checkCommitted(r.UID, mapreduce.Map, w.splits(r.UID))
	case mapreduce.Finishing:
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

// splits is M of the committed plan.
func (w *world) splits(uid mapreduce.UID) int {
	plan := w.bus.commits[mapreduce.TaskID{UID: uid, Phase: mapreduce.Plan, Generation: 1}].Plan
	if plan == nil {
		return 0
	}
	return plan.Splits
}

// checkFinal checks how a job ends.
func (w *world) checkFinal(r mapreduce.Record) {
	in := w.inputs[w.source(r.UID)]
	output, published := w.bus.outputs[r.UID]
	end, decided := w.bus.ends[r.UID]
	switch {
	case !in.fate.allows(r.State):
		w.violate("job %s is %s (%s), but %s", r.UID, r.State, r.Error, in.fate)
	case !decided:
		w.violate("job %s is %s, which nobody decided", r.UID, r.State)
	case published != (r.State == mapreduce.Done):
		w.violate("job %s is %s, and its output is published: %t", r.UID, r.State, published)
	case published && output != in.total():
		w.violate("job %s has output %v, a sequential run %v", r.UID, output, in.total())
	case published && end.Digest != output.digest():
		w.violate("job %s has output %v, which is not what was decided", r.UID, output)
	case r.State == mapreduce.Failed && r.Error == "":
		w.violate("job %s failed without a reason", r.UID)
	}
}

// checkEnd checks that no second end is decided.
func (w *world) checkEnd(e mapreduce.End) {
	for _, event := range w.bus.log[:len(w.bus.log)-1] {
		if other, ok := event.(mapreduce.End); ok && other.UID == e.UID {
			w.violate("job %s ends twice: %s and %s", e.UID, other.State, e.State)
		}
	}
}

// checkOutput checks that what is published was decided, and is not published beside a failure.
func (w *world) checkOutput(uid mapreduce.UID, output bag) {
	w.note("output of %s", uid)
	standing := w.bus.states[uid].State
	switch {
	case w.bus.ends[uid].State != mapreduce.Done:
		w.violate("output of %s is published, its end is %q", uid, w.bus.ends[uid].State)
	case standing == mapreduce.Failed || standing == mapreduce.Cancelled:
		w.violate("output of %s is published, the job is %s", uid, standing)
	case output != w.inputs[w.source(uid)].total():
		w.violate("output %v of %s is published, a sequential run makes %v", output, uid, w.inputs[w.source(uid)].total())
	}
}

// checkAccepted checks that a submission is settled only when it is recorded, the same as a recorded one, or refused.
func (w *world) checkAccepted(seq uint64, s *submission) {
	if s.reason != "" {
		return
	}
	job := w.bus.carried(mapreduce.Record{Spec: &s.job}).Spec
	for _, r := range w.bus.records {
		if r.State == mapreduce.Queued && (r.Seq == seq || r.Spec.Same(*job)) {
			return
		}
	}
	w.violate("submission %d is settled, but neither recorded nor refused", seq)
}

// checkDrop checks that a lane is dropped only when nobody needs it: the end is decided, and what it decided is out.
func (w *world) checkDrop(l mapreduce.Lane) {
	in := w.inputs[w.source(l.UID)]
	end, decided := w.bus.ends[l.UID]
	_, published := w.bus.outputs[l.UID]
	if !decided || end.State == mapreduce.Done && !published && in.fate.allows(mapreduce.Done) && in.fate != busMoody {
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

// over reports whether the end of a job is decided.
func (w *world) over(uid mapreduce.UID) bool {
	_, decided := w.bus.ends[uid]
	return decided
}

// final reports whether a job's last record is written.
func (w *world) final(uid mapreduce.UID) bool { return w.bus.states[uid].State.Final() }
