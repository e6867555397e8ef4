package simulation

import (
	"fmt"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// submission is a message of the jobs stream.
type submission struct {
	job      mapreduce.Job
	bad      string // why it cannot be read
	accepted bool
	refuse   bool // it must not become a job of its own
	reason   string
}

// enrol lets clients come with their jobs, some of them while others run.
func (w *world) enrol() {
	for i := range w.scale.jobs {
		job := w.job(mapreduce.JobID(fmt.Sprintf("job-%d", i)))
		switch w.rng.IntN(5) {
		case 0:
			job.ID = ""
		case 1:
			job.Args = map[string]string{} // as JSON may have it, and a record has not
		}
		at := w.between(0, w.config.Until*3/4)
		if w.rng.IntN(4) == 0 {
			w.carry(at, job)
		} else {
			w.come(at, job)
		}
		if job.ID != "" {
			w.comeAgain(at, job)
			w.meddle(at, job.ID)
		}
	}
	w.enrolUnfit()
}

// enrolUnfit lets clients come with what is no job.
func (w *world) enrolUnfit() {
	if w.rng.IntN(4) == 0 {
		w.arrive(w.between(0, w.config.Until/2), &submission{bad: "not JSON", refuse: true})
	}
	if w.rng.IntN(4) == 0 {
		job := mapreduce.Job{ID: "no-program", Inputs: []string{"nothing"}}
		w.arrive(w.between(0, w.config.Until/2), &submission{job: job, refuse: true})
	}
}

// job is a new one, with input of its own.
func (w *world) job(id mapreduce.JobID) mapreduce.Job {
	name := fmt.Sprintf("bags-%d", len(w.inputs))
	in := w.newInput()
	w.inputs[name] = in
	job := mapreduce.Job{ID: id, Program: "count", Inputs: []string{name}, Reduces: w.rng.IntN(4), SkipBad: w.skipBad(in)}
	if w.rng.IntN(2) == 0 {
		job.Output.To = "file:///" + name
	}
	w.rank(&job, in)
	if len(w.inputs)%4 == 3 && in.fate != reduceFails {
		job.MapOnly, job.Reduces = true, 0
	}
	return job
}

// comeAgain submits a job's id again, now and then: the same job, or another under its id.
func (w *world) comeAgain(after time.Duration, job mapreduce.Job) {
	later := after + 1 + w.between(0, w.config.Until/4)
	switch w.rng.IntN(4) {
	case 0:
		if w.ranked { // how soon is no part of what the job is
			job.Priority = -job.Priority
		}
		w.come(later, job)
	case 1:
		job.SplitSize = 7
		w.come(later, job)
	}
}

func (w *world) newInput() *input {
	in := &input{fate: fates()[w.rng.IntN(len(fates()))], bags: make([]bag, w.rng.IntN(w.scale.bags+1)), absent: map[int]bool{}}
	for i := range in.bags {
		for range 1 + w.rng.IntN(20) {
			in.bags[i][w.rng.IntN(words)]++
		}
	}
	if len(in.bags) == 0 && (in.fate == mapFails || in.fate == mapForbidden) {
		in.fate = fine // it has no map that could fail
	}
	w.poison(in)
	has := w.rng.IntN(w.scale.workers)
	for k := range w.scale.workers {
		in.absent[k] = in.fate == allLack || in.fate == someLack && k != has && w.rng.IntN(2) == 0
	}
	return in
}

// come submits a job at its time: through the stream, or as a request.
func (w *world) come(at time.Duration, job mapreduce.Job) {
	if w.rng.IntN(4) > 0 {
		w.arrive(at, &submission{job: job})
		return
	}
	w.at(at, func() { w.askFor(&request{job: job.ID, spec: &job, tries: 5}) })
}

// at does something for a client, for which the run waits.
func (w *world) at(at time.Duration, do func()) {
	w.clients++
	w.after(at, func() {
		w.clients--
		do()
	})
}

// arrive puts a submission into the stream.
func (w *world) arrive(at time.Duration, s *submission) {
	w.at(at, func() {
		w.bus.submissions = append(w.bus.submissions, s)
		w.note("submission %d: %+v %s", len(w.bus.submissions), s.job, s.bad)
		w.offer()
	})
}

// offer delivers all submissions that are not settled to whoever took over last. One that is settled late comes twice.
func (w *world) offer() bool {
	if len(w.leaders) == 0 {
		return true
	}
	l := w.leaders[len(w.leaders)-1]
	for i, s := range w.bus.submissions {
		if !s.accepted {
			l.take(mapreduce.Submitted{Seq: uint64(i + 1), UID: w.uid(), Job: s.job, Bad: s.bad})
		}
	}
	return true
}

// accept settles a submission.
func (w *world) accept(seq uint64) {
	s := w.bus.submissions[seq-1]
	s.accepted = true
	w.checkAccepted(seq, s)
}

func (w *world) rejected(c coordinator.Reject) {
	s := w.bus.submissions[c.Seq-1]
	s.reason = c.Reason
	if !s.refuse && !w.conflicts(s.job) || c.Reason == "" {
		w.violate("submission %d is rejected: %q", c.Seq, c.Reason)
	}
}

// conflicts reports whether another job has had the id of this one.
func (w *world) conflicts(job mapreduce.Job) bool {
	for _, uid := range w.bus.uids {
		if w.bus.births[uid].Job == job.ID && !w.same(uid, job) {
			return true
		}
	}
	return false
}

// same reports whether a submission asks for this work.
func (w *world) same(uid mapreduce.UID, job mapreduce.Job) bool {
	return w.bus.specs[uid].Same(*w.bus.carried(mapreduce.Record{Spec: &job}).Spec)
}
