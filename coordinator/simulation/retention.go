package simulation

import (
	"errors"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// kept is how long ended jobs are kept here, and how long it is remembered that they were removed; 0: for ever.
type kept struct {
	keep, results, remember time.Duration
	jobs                    int
}

// shortFinish is what mapreduce.LongestFinish is where removed jobs are forgotten.
const shortFinish = 2 * time.Second

// retention draws one. Half of the worlds keep everything.
func (w *world) retention() (k kept) {
	switch w.ranks.IntN(6) {
	case 0:
		k.keep = 3 * time.Second
	case 1:
		k.jobs = 1
	case 2:
		k.keep, k.results = 5*time.Second, 8*time.Second
	}
	if w.ranks.IntN(2) == 0 {
		k.remember = shortFinish + time.Second
	}
	return k
}

// longest is how long a finish may take.
func (w *world) longest() time.Duration {
	if w.kept.remember > 0 {
		return shortFinish
	}
	return mapreduce.LongestFinish
}

// outdated reports whether a finish must not decide any more.
func (a *attempt) outdated() bool {
	return a.w.now > a.queued+a.w.longest() && a.w.config.Bug != DecidesLate
}

// tooOld reports whether a finish waited too long to be begun.
func (a *attempt) tooOld() bool {
	return a.task.ID.Phase == mapreduce.Finish && a.w.now > a.queued+a.w.longest()/2 && a.w.config.Bug != DecidesLate
}

// forgets reports whether a removed job may be forgotten by now: what late attempts write of it nobody takes away any more.
func (w *world) forgets(uid mapreduce.UID) bool {
	return w.kept.remember > 0 && w.date().Sub(w.bus.removed[uid]) >= w.kept.remember
}

// What is erased of a job is erased in three stages.
type (
	eraseConfirm struct{ coordinator.Erase }
	eraseTasks   struct{ coordinator.Erase }
	eraseState   struct{ coordinator.Erase }
)

// erase carries out a stage of an Erase, or what comes before it, and reports whether the command is one.
func (l *leader) erase(command coordinator.Command) bool {
	b := l.w.bus
	switch c := command.(type) {
	case coordinator.ReadClock:
		l.followed = append(l.followed, mapreduce.ClockSeen{At: l.w.date()})
	case eraseConfirm:
		if errors.Is(b.fence(l.epoch), mapreduce.ErrDeposed) {
			l.deposed()
		}
	case eraseTasks:
		l.checkErase(c.UID)
		for _, index := range b.owned[c.UID] {
			b.log[index].gone = true
			b.drop(b.log[index].event)
		}
		delete(b.ends, c.UID)
		b.owned[c.UID] = nil
	case eraseState:
		for i := range b.records {
			b.records[i].gone = b.records[i].gone || b.records[i].UID == c.UID
		}
		l.w.tally.Erased++
		b.erased[c.UID] = true
	default:
		return false
	}
	return true
}

// checkErase checks that only what was removed long ago is erased.
func (l *leader) checkErase(uid mapreduce.UID) {
	last, since := l.w.bus.states[uid], l.w.date().Sub(l.w.bus.removed[uid])
	if last.State != mapreduce.Removed || !last.Swept || since < l.w.kept.remember {
		l.w.violate("epoch %d erases %s, which is %s, swept: %t, since %s", l.epoch, uid, last.State, last.Swept, since)
	}
}

// checkRemoved checks that a job which no user has removed was kept as long as it should be.
func (w *world) checkRemoved(before written, r mapreduce.Record) {
	if before.State != mapreduce.Removed {
		w.bus.removed[r.UID] = r.At
	}
	if w.bus.discarded[r.Job] {
		return
	}
	w.tally.Retained++
	ended := before.At
	if before.Summary != nil && !before.Summary.Ended.IsZero() {
		ended = before.Summary.Ended // it may have been swept later
	}
	age, result := r.At.Sub(ended), before.State == mapreduce.Done && w.bus.specs[r.UID].Output.OnBus()
	switch k := w.kept; {
	case result && (k.results == 0 || age < k.results-time.Second):
		w.violate("job %s is removed with its result on the bus after %s", r.UID, age)
	case !result && k.jobs == 0 && (k.keep == 0 || age < k.keep-time.Second):
		w.violate("job %s is removed after %s", r.UID, age)
	}
}
