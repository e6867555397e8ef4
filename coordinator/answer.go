package coordinator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"jetreduce/mapreduce"
)

// answer answers a question, after what it asks for has been done.
func (s *State) answer(e mapreduce.Asked) {
	if view, is := s.view(e); is {
		s.do(Answer{Reply: e.Reply, Answer: view, View: true})
		return
	}
	switch e.Want {
	case mapreduce.WantUpload:
		s.do(MakeUpload{cmp.Or(string(e.Job), string(e.UID)), e.Reply})
		return
	case mapreduce.WantDiscard:
		s.discard([]string{string(e.Job)})
		s.reply(e.Reply, mapreduce.Answer{Upload: string(e.Job)})
		return
	}
	if j := s.byID[e.Job]; j != nil {
		s.steer(j, e)
		return
	}
	s.reply(e.Reply, mapreduce.Answer{Error: fmt.Sprintf("there is no job %q", e.Job), Unknown: true})
}

// view answers a question about all jobs.
func (s *State) view(e mapreduce.Asked) (answer mapreduce.Answer, is bool) {
	switch e.Want {
	case mapreduce.WantList:
		if e.Job != "" && s.byID[e.Job] == nil {
			return answer, false
		}
		answer.Jobs = s.list(e.Job)
	case mapreduce.WantWorkers:
		answer.Workers = s.members()
	case mapreduce.WantVitals:
		answer.Vitals = s.vitals()
	default:
		return answer, false
	}
	return answer, true
}

// reply answers what must be true when it is said.
func (s *State) reply(reply string, answer mapreduce.Answer) {
	s.do(Answer{Reply: reply, Answer: answer})
}

// steer does what is asked for about one job.
func (s *State) steer(j *job, e mapreduce.Asked) {
	switch e.Want {
	case mapreduce.WantCancel:
		s.cancel(j, e.Reply)
	case mapreduce.WantRetry:
		s.retry(j, e)
	case mapreduce.WantRemove:
		s.removeOnRequest(j, e.Reply)
	case mapreduce.WantQuarantine:
		left := j.quarantine()
		s.reply(e.Reply, mapreduce.Answer{Quarantine: &left})
	case mapreduce.WantTimeline:
		s.do(Answer{Reply: e.Reply, Answer: mapreduce.Answer{Timeline: s.timeline(j)}, View: true})
	default:
		status := s.status(j)
		s.do(Answer{Reply: e.Reply, Answer: mapreduce.Answer{Status: &status}, View: true})
	}
}

func (s *State) answerStatus(j *job, reply string) {
	status := s.status(j)
	s.reply(reply, mapreduce.Answer{Status: &status})
}

func (s *State) answerError(reply, format string, args ...any) {
	s.reply(reply, mapreduce.Answer{Error: fmt.Sprintf(format, args...)})
}

// cancel asks for the record that ends the job; what comes back, this or finish's decision, is the answer.
func (s *State) cancel(j *job, reply string) {
	switch {
	case j.state == mapreduce.Cancelled:
		s.answerStatus(j, reply)
	case j.state.Final():
		s.answerError(reply, "job %s is %s already", j.spec.ID, j.state)
	case j.end != nil:
		j.asking = append(j.asking, reply)
		s.tellOutcome(j)
	default:
		j.asking = append(j.asking, reply)
		s.ask(j, mapreduce.Cancelled, "cancelled on request")
	}
}

// tellOutcome answers those who wanted to cancel the job, once its end is decided.
func (s *State) tellOutcome(j *job) {
	for _, reply := range j.asking {
		if j.end.State == mapreduce.Cancelled {
			s.answerStatus(j, reply)
		} else {
			s.answerError(reply, "too late: that job %s is %s was decided before", j.spec.ID, j.end.State)
		}
	}
	j.asking = nil
}

// retry runs a job again from its beginning, under a new uid. What is left of the old one goes.
func (s *State) retry(j *job, e mapreduce.Asked) {
	switch {
	case !j.state.Final():
		s.answerError(e.Reply, "job %s is %s: only a job that failed or was cancelled can be retried", j.spec.ID, j.state)
		return
	case j.state == mapreduce.Done:
		s.answerError(e.Reply, "job %s is done: remove it (`jetreduce rm %s`) and submit it again", j.spec.ID, j.spec.ID)
		return
	}
	if j.spec.Validate() != nil { // of one that was refused there is no more than its id
		s.answerError(e.Reply, "job %s was refused: %s: remove it, and submit it anew", j.spec.ID, j.error)
		return
	}
	if reason := s.barred(j.spec, j.exec); reason != "" { // the policy may have changed since it was taken
		s.answerError(e.Reply, "job %s: %s", j.spec.ID, reason)
		return
	}
	again := newJob(e.UID)
	again.spec, again.known, again.at, again.retry, again.exec = j.spec, true, s.now, j.retry+1, j.exec
	s.begin(again, 0)
	s.remove(j)
	s.answerStatus(again, e.Reply)
	s.advance(again)
}

func (s *State) removeOnRequest(j *job, reply string) {
	if !j.state.Final() {
		s.answerError(reply, "job %s is %s: cancel it first (`jetreduce cancel %s`)", j.spec.ID, j.state, j.spec.ID)
		return
	}
	status := s.status(j)
	s.remove(j)
	s.reply(reply, mapreduce.Answer{Status: &status})
}

// maxListed bounds a list of jobs: it is one message.
const maxListed = 400

// list is the jobs, the latest first: all, or those that were submitted before one of them.
func (s *State) list(before mapreduce.JobID) *mapreduce.JobList {
	list, jobs := &mapreduce.JobList{Jobs: []mapreduce.Status{}}, s.jobs
	if before != "" {
		jobs = jobs[:max(0, slices.Index(jobs, s.byID[before]))]
	}
	for _, j := range slices.Backward(jobs) {
		if len(list.Jobs) == maxListed {
			list.More = len(jobs) - maxListed
			break
		}
		status := s.status(j)
		status.Error, status.Counters = mapreduce.Abridge(status.Error, 500), nil
		list.Jobs = append(list.Jobs, status)
	}
	return list
}

// Bounds of a list of workers: it is one message.
const (
	maxMembers = 2000
	maxRunning = 2000 // of all together
)

// members is the workers, by name. Their receipts are nobody's business: whoever has one can settle the delivery.
func (s *State) members() []mapreduce.Member {
	members, room := []mapreduce.Member{}, maxRunning
	for _, id := range slices.Sorted(maps.Keys(s.workers)) {
		if len(members) == maxMembers {
			break
		}
		m := s.workers[id]
		shown := append([]mapreduce.Running{}, m.beat.Running[:min(len(m.beat.Running), room)]...) // none is a list too
		for i := range shown {
			shown[i].Receipt = ""
		}
		room -= len(shown)
		members = append(members, mapreduce.Member{
			Worker: id, Host: m.beat.Host, Pool: m.beat.Pool, Slots: m.beat.Slots, Running: shown, Hidden: len(m.beat.Running) - len(shown),
			Silent: s.now.Sub(m.heard).Seconds(),
		})
	}
	return members
}
