package simulation

import (
	"fmt"
	"slices"
	"strings"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// poison chooses the bags of an input that cannot be mapped: one, some, or all. Now and then each holds many records, so
// that a list of them takes more than one part.
func (w *world) poison(in *input) {
	if in.fate != poisoned {
		return
	}
	if len(in.bags) == 0 {
		in.fate = fine
		return
	}
	in.poison, in.bulk = map[int]bool{w.rng.IntN(len(in.bags)): true}, 1
	for i := range min(len(in.bags), 7) {
		in.poison[i] = in.poison[i] || w.rng.IntN(3) == 0
	}
	if w.rng.IntN(3) == 0 {
		in.bulk = 120
	}
}

// skipBad is how many records a job may leave out: none, as many as there are, one too few, or plenty.
func (w *world) skipBad(in *input) int {
	bad := in.badRecords()
	return []int{0, bad, max(0, bad-1), min(mapreduce.MaxSkipBad, 2*bad+1), bad}[w.rng.IntN(5)]
}

// badRecords is how many records cannot be mapped.
func (in *input) badRecords() int { return len(in.bad("", 0, len(in.bags))) }

// poisonWords are so many that the words of a long list take more than one part.
var poisonWords = strings.Repeat("poison ", 40)

// bad names the records in the bags [from, to) that cannot be mapped, in the order in which they stand.
func (in *input) bad(name string, from, to int) (records []mapreduce.BadRecord) {
	for i := from; i < to; i++ {
		for n := range in.bulk {
			if in.poison[i] {
				records = append(records, mapreduce.BadRecord{Source: name, Offset: int64(1000*i + n), Length: 1, Reason: poisonWords})
			}
		}
	}
	return records
}

// leaveOut names the records of a split that cannot be mapped, if the attempt may leave them out; else it says why it fails.
func (a *attempt) leaveOut(in *input, own cut) ([]mapreduce.BadRecord, mapreduce.Failure) {
	bad := in.bad(a.w.bus.specs[a.task.ID.UID].Inputs[0], own.from, own.to)
	switch {
	case len(bad) == 0:
		return nil, mapreduce.Failure{}
	case !a.task.Careful:
		return nil, mapreduce.Failure{Reason: "some record cannot be mapped"}
	case len(bad) > a.task.SkipBad:
		return nil, mapreduce.Failure{Reason: fmt.Sprintf("the record at byte %d cannot be mapped", bad[a.task.SkipBad].Offset)}
	case a.w.config.Bug == NamesNobody:
		return nil, mapreduce.Failure{}
	}
	return bad, mapreduce.Failure{}
}

// maxFailures is how many failed attempts of a task fail its job.
const maxFailures = 4

// checkCareful checks that a map gets its last attempt with care.
func (l *leader) checkCareful(task mapreduce.Task) {
	failures := 0
	for key := range l.failed {
		if key.task == task.ID {
			failures++
		}
	}
	if task.ID.Phase == mapreduce.Map && failures >= maxFailures-1 && !task.Careful {
		l.w.violate("epoch %d queues %s without care, which has failed %d times", l.epoch, task.ID, failures)
	}
}

// checkQuarantine checks a list of the records that a job has left out: those that cannot be mapped, all of them when it is
// done, and each once.
func (w *world) checkQuarantine(uid mapreduce.UID, records []mapreduce.BadRecord) {
	in := w.input(uid)
	if in == nil {
		return
	}
	wanted := mapreduce.FitBad(in.bad(w.bus.specs[uid].Inputs[0], 0, len(in.bags)))
	if w.bus.states[uid].State == mapreduce.Done && !slices.Equal(records, wanted) {
		w.violate("job %s is done without %d records, it says: %d, %v", uid, len(wanted), len(records), records)
	}
	for i, r := range records {
		known := slices.ContainsFunc(wanted, func(of mapreduce.BadRecord) bool { return of.Offset == r.Offset })
		if !known || i > 0 && r.Offset <= records[i-1].Offset {
			w.violate("job %s says that it has left out %v", uid, records)
		}
	}
}

// checkPart checks a part of a quarantine as it is recorded: of a job that runs, and whose end is decided.
func (w *world) checkPart(r mapreduce.Record) {
	if w.final(r.UID) || !w.over(r.UID) {
		w.violate("job %s is %s, decided: %t, and keeps what it has left out", r.UID, w.bus.states[r.UID].State, w.over(r.UID))
	}
}

// recorded is what the records say that a job has left out.
func (w *world) recorded(uid mapreduce.UID) (records []mapreduce.BadRecord) {
	for part := 1; ; part++ {
		at, known := w.bus.keys[recordKey{uid: uid, part: part}]
		if !known || w.bus.records[at].gone {
			return records
		}
		records = append(records, w.bus.records[at].Quarantine.Records...)
	}
}

// checkKept checks that what a job has left out stands in records, before the commits that say so are forgotten.
func (w *world) checkKept(uid mapreduce.UID) {
	if w.bus.states[uid].State != mapreduce.Removed {
		w.checkQuarantine(uid, w.recorded(uid))
	}
}

// checkQuarantines asks, when all is over, what each job has left out: whoever leads, one who takes over now, and the records.
func (w *world) checkQuarantines() {
	now := w.coordinator()
	for _, r := range w.bus.records {
		if !r.gone {
			now.decide(mapreduce.Restored{Record: r.Record})
		}
	}
	now.decide(mapreduce.Replayed{})
	for _, uid := range w.bus.uids {
		if w.input(uid) == nil || w.bus.states[uid].State == mapreduce.Removed {
			continue
		}
		w.checkKept(uid)
		for _, l := range []*leader{w.leaders[0], now} {
			w.checkQuarantine(uid, l.quarantine(w.bus.births[uid].Job))
		}
		if w.bus.states[uid].State == mapreduce.Done {
			w.tally.Quarantined += len(w.recorded(uid))
		}
	}
}

// quarantine asks a leader what a job has left out.
func (l *leader) quarantine(id mapreduce.JobID) (records []mapreduce.BadRecord) {
	for _, command := range l.decide(mapreduce.Asked{Want: mapreduce.WantQuarantine, Job: id, Reply: "quarantine"}) {
		if c, answers := command.(coordinator.Answer); answers && c.Answer.Quarantine != nil {
			return *c.Answer.Quarantine
		}
	}
	l.w.violate("epoch %d does not say what %s has left out", l.epoch, id)
	return nil
}
