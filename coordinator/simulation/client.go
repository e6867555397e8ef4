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
		name := fmt.Sprintf("bags-%d", i)
		w.inputs[name] = w.input()
		job := mapreduce.Job{
			ID: mapreduce.JobID(fmt.Sprintf("job-%d", i)), Program: "count", Inputs: []string{name}, Reduces: w.rng.IntN(4),
		}
		switch w.rng.IntN(5) {
		case 0:
			job.ID = ""
		case 1:
			job.Args = map[string]string{} // as JSON may have it, and a record has not
		}
		at := w.between(0, w.config.Until*3/4)
		w.come(at, &submission{job: job})
		if job.ID != "" {
			w.comeAgain(at, job)
		}
	}
	if w.rng.IntN(4) == 0 {
		w.come(w.between(0, w.config.Until/2), &submission{bad: "not JSON", refuse: true})
	}
	if w.rng.IntN(4) == 0 {
		job := mapreduce.Job{ID: "no-program", Inputs: []string{"nothing"}}
		w.come(w.between(0, w.config.Until/2), &submission{job: job, refuse: true})
	}
}

// comeAgain submits a job's id again, now and then: the same job, or another under its id.
func (w *world) comeAgain(after time.Duration, job mapreduce.Job) {
	later := after + 1 + w.between(0, w.config.Until/4)
	switch w.rng.IntN(4) {
	case 0:
		w.come(later, &submission{job: job})
	case 1:
		job.SplitSize = 7
		w.come(later, &submission{job: job, refuse: true})
	}
}

func (w *world) input() *input {
	in := &input{fate: fates()[w.rng.IntN(len(fates()))], bags: make([]bag, w.rng.IntN(w.scale.bags+1))}
	for i := range in.bags {
		for range 1 + w.rng.IntN(20) {
			in.bags[i][w.rng.IntN(words)]++
		}
	}
	if len(in.bags) == 0 && (in.fate == mapFails || in.fate == mapForbidden) {
		in.fate = fine // it has no map that could fail
	}
	return in
}

// come puts a submission into the stream at its time.
func (w *world) come(at time.Duration, s *submission) {
	w.clients++
	w.after(at, func() {
		w.clients--
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
		if s.accepted {
			continue
		}
		w.uids++
		uid := mapreduce.UID(fmt.Sprintf("u%d", w.uids))
		l.take(mapreduce.Submitted{Seq: uint64(i + 1), UID: uid, Job: s.job, Bad: s.bad})
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
	if !s.refuse || c.Reason == "" {
		w.violate("submission %d is rejected: %q", c.Seq, c.Reason)
	}
}

// source is the name of a job's input.
func (w *world) source(uid mapreduce.UID) string { return w.bus.specs[uid].Inputs[0] }

// cancel ends a job for its client, if it is still to be decided.
func (w *world) cancel(uid mapreduce.UID) {
	w.after(w.between(0, 5*time.Second), func() {
		w.bus.end(mapreduce.End{
			Version: mapreduce.RecordVersion, UID: uid, State: mapreduce.Cancelled, Reason: "the client changed its mind",
		})
	})
}
