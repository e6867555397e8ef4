package simulation

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// request is what a client asks of whoever leads, until it is answered or the client gives up. Each try has a reply
// subject of its own.
type request struct {
	want  mapreduce.Want
	job   mapreduce.JobID
	spec  *mapreduce.Job // submit
	tries int            // that are left
	then  func(mapreduce.Answer)

	answered bool
	owed     []mapreduce.Epoch // leaders that have been asked, and have not answered
}

// patience is how long a client waits for an answer before it asks again.
const patience = 2 * time.Second

// askFor asks everybody who leads: one that is deposed hears it too.
func (w *world) askFor(r *request) {
	if r.tries--; r.tries < 0 || w.now > w.config.Until {
		return
	}
	w.clients++
	reply := fmt.Sprintf("r%d", len(w.requests)+1)
	w.requests[reply] = r
	w.note("request %s: %s %s", reply, r.want, r.job)
	for _, l := range slices.Clone(w.leaders) {
		if w.chance(w.chaos.ReplyLost) {
			continue
		}
		r.owed = append(r.owed, l.epoch)
		if r.want == mapreduce.WantCancel {
			w.bus.asked[r.job] = true
		}
		if r.want == mapreduce.WantRemove || r.want == mapreduce.WantRetry {
			w.bus.discarded[r.job] = true
		}
		l.take(r.event(reply, w.uid()))
	}
	w.after(patience, func() {
		w.clients--
		if !r.answered {
			w.askFor(&request{want: r.want, job: r.job, spec: r.spec, tries: r.tries, then: r.then})
		}
	})
}

func (r *request) event(reply string, uid mapreduce.UID) mapreduce.Event {
	if r.spec != nil {
		return mapreduce.Submitted{Reply: reply, UID: uid, Job: *r.spec}
	}
	asked := mapreduce.Asked{Want: r.want, Job: r.job, UID: uid, Reply: reply}
	if r.want == mapreduce.WantList {
		asked.Job = "" // all
	}
	return asked
}

// confirm answers as a leader that makes sure that it leads, unless the answer is only a view.
func (l *leader) confirm(c coordinator.Answer) {
	views := []mapreduce.Want{mapreduce.WantStatus, mapreduce.WantList, mapreduce.WantWorkers}
	switch r := l.w.requests[c.Reply]; {
	case c.View && !slices.Contains(views, r.want):
		l.w.violate("epoch %d answers %s (%s) without making sure that it leads", l.epoch, c.Reply, r.want)
	case !c.View && errors.Is(l.w.bus.fence(l.epoch), mapreduce.ErrDeposed):
		l.deposed()
	default:
		l.answer(c)
	}
}

// answer takes an answer to whoever asked, unless it is lost.
func (l *leader) answer(c coordinator.Answer) {
	r := l.w.requests[c.Reply]
	at := slices.Index(r.owed, l.epoch)
	if at < 0 {
		l.w.violate("epoch %d answers %s twice, or was not asked", l.epoch, c.Reply)
		return
	}
	r.owed = slices.Delete(r.owed, at, at+1)
	l.w.note("epoch %d answers %s: %q %v", l.epoch, c.Reply, c.Answer.Error, c.Answer.Status)
	l.w.checkAnswer(l, r, c.Answer)
	if r.answered || l.w.chance(l.w.chaos.ReplyLost) {
		return
	}
	l.w.after(l.w.between(0, 10*time.Millisecond), func() {
		if r.answered {
			return
		}
		r.answered = true
		l.w.tally.Requests++
		if r.then != nil {
			r.then(c.Answer)
		}
	})
}

// checkAnswer checks that what a leader that leads says is true.
func (w *world) checkAnswer(l *leader, r *request, a mapreduce.Answer) {
	if !l.current() {
		return // it may not know yet
	}
	switch {
	case a.Unknown && r.job != "" && w.live(r.job) != "":
		w.violate("epoch %d does not know job %s", l.epoch, r.job)
	case a.Error != "":
	case r.spec != nil:
		w.checkAnswered(a, a.Status != nil && w.same(a.Status.UID, w.named(*r.spec, a.Status.ID)))
	case r.want == mapreduce.WantCancel:
		w.checkAnswered(a, w.bus.decided[a.Status.UID].State == mapreduce.Cancelled && w.final(a.Status.UID))
	case r.want == mapreduce.WantRetry:
		w.checkAnswered(a, w.bus.births[a.Status.UID].Retry > 0)
	case r.want == mapreduce.WantRemove:
		w.checkAnswered(a, w.bus.states[a.Status.UID].State == mapreduce.Removed)
	case r.want == mapreduce.WantList:
		w.checkList(a.Jobs)
	case r.want == mapreduce.WantUpload:
		w.checkAnswered(a, w.uploads[a.Upload] != nil)
	case r.want == mapreduce.WantQuarantine:
		w.checkAnswered(a, a.Quarantine != nil)
		w.checkQuarantine(w.live(r.job), *a.Quarantine)
	case r.want == mapreduce.WantWorkers:
		w.checkAnswered(a, a.Workers != nil)
	}
}

// named is a job with the id that it was given.
func (w *world) named(job mapreduce.Job, id mapreduce.JobID) mapreduce.Job {
	job.ID = id
	return job
}

func (w *world) checkAnswered(a mapreduce.Answer, isTrue bool) {
	if !isTrue {
		w.violate("an answer is not true: %+v", a)
	}
}

func (w *world) checkList(list *mapreduce.JobList) {
	for _, uid := range w.bus.uids {
		listed := slices.ContainsFunc(list.Jobs, func(s mapreduce.Status) bool { return s.UID == uid })
		if removed := w.bus.states[uid].State == mapreduce.Removed; listed == removed {
			w.violate("job %s is listed: %t, removed: %t", uid, listed, removed)
		}
	}
}

// meddle lets users do what they like with a job.
func (w *world) meddle(after time.Duration, id mapreduce.JobID) {
	soon := func() time.Duration { return after + w.between(0, w.config.Until/3) }
	if w.chance(w.chaos.Meddling) {
		want := []mapreduce.Want{mapreduce.WantStatus, mapreduce.WantList, mapreduce.WantWorkers, mapreduce.WantUpload}[w.rng.IntN(4)]
		w.at(soon(), func() { w.askFor(&request{want: want, job: id, tries: 2}) })
		w.at(soon(), func() { w.askFor(&request{want: mapreduce.WantQuarantine, job: id, tries: 2}) })
	}
	if w.chance(w.chaos.Meddling) {
		w.at(soon(), func() { w.askFor(&request{want: mapreduce.WantCancel, job: id, tries: 3}) })
	}
	if w.chance(w.chaos.Meddling) {
		w.at(soon(), func() { w.insist(mapreduce.WantRetry, id, nil) })
	}
	if w.chance(w.chaos.Meddling) {
		w.at(soon(), func() { w.insist(mapreduce.WantRemove, id, func() { w.replace(id) }) })
	}
}

// insist asks until it is done, or there is no such job.
func (w *world) insist(want mapreduce.Want, id mapreduce.JobID, then func()) {
	w.askFor(&request{want: want, job: id, tries: 3, then: func(a mapreduce.Answer) {
		switch {
		case a.Unknown:
		case a.Error != "":
			w.at(w.between(500*time.Millisecond, 3*time.Second), func() { w.insist(want, id, then) })
		case then != nil:
			then()
		}
	}})
}

// replace submits another job under the id of one that was removed, or leaves it.
func (w *world) replace(id mapreduce.JobID) {
	if w.rng.IntN(4) == 0 {
		return
	}
	w.come(w.between(0, time.Second), w.job(id))
	w.meddle(0, id)
}

// carry submits a job whose input the client uploads first; now and then it takes too long, never comes, or another job
// names the same upload.
func (w *world) carry(at time.Duration, job mapreduce.Job) {
	w.at(at, func() {
		w.askFor(&request{want: mapreduce.WantUpload, tries: 5, then: func(a mapreduce.Answer) {
			job.Inputs = append(job.Inputs, mapreduce.CarriedScheme+"://"+a.Upload+"/file")
			took := w.between(0, 2*time.Second)
			switch w.rng.IntN(8) {
			case 0:
				return
			case 1:
				took *= 10
			case 2:
				other := w.job(job.ID + "-too")
				other.Inputs = append(other.Inputs, job.Inputs[1])
				w.come(took+w.between(0, 2*time.Second), other)
			}
			w.come(took, job)
		}})
	})
}
