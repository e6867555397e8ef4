package coordinator

import (
	"fmt"

	"jetreduce/mapreduce"
)

// submit takes up a job. The same job under the same id is the same job; another under its id is refused.
func (s *State) submit(e mapreduce.Submitted) {
	spec := e.Job.Normal()
	if s.config.Complete != nil && e.Bad == "" {
		spec, e.Bad = s.complete(spec)
	}
	if spec.ID == "" {
		spec.ID = freshID(e)
	}
	if e.Seq > 0 {
		defer s.do(Accept{e.Seq})
		if s.bySeq[e.Seq] {
			return
		}
	}
	if reason := s.unfit(spec, e); reason != "" {
		s.reject(e, spec, reason)
		return
	}
	j := s.byID[spec.ID]
	if j == nil {
		j = s.take(e, spec)
	} else {
		s.do(Tell{s.status(j)})
		s.discard(spec.Uploads()) // it has its own, of the same files
	}
	if e.Reply != "" {
		s.answerStatus(j, e.Reply) // before it goes on: what was asked for is that it is queued
	}
	s.advance(j)
}

// complete is a job with what follows from its program, or why there can be no such job. A job that is not valid is told that first.
func (s *State) complete(spec mapreduce.Job) (_ mapreduce.Job, bad string) {
	if spec.Validate() != nil {
		return spec, ""
	}
	full, err := s.config.Complete(spec)
	if err != nil {
		return spec, err.Error()
	}
	return full, ""
}

// freshID is the id of a job that was given none.
func freshID(e mapreduce.Submitted) mapreduce.JobID {
	if e.Seq > 0 {
		return mapreduce.JobID(fmt.Sprintf("j%d", e.Seq))
	}
	return mapreduce.JobID("j-" + e.UID)
}

func (s *State) take(e mapreduce.Submitted, spec mapreduce.Job) *job {
	j := newJob(e.UID)
	j.spec, j.known, j.at, j.exec = spec, true, s.now, e.Exec
	s.begin(j, e.Seq)
	return j
}

// begin records a job that nobody has known yet.
func (s *State) begin(j *job, seq uint64) {
	record := s.record(j, mapreduce.Queued)
	record.Seq, record.Spec, record.Retry, record.Exec = seq, &j.spec, j.retry, j.exec
	s.do(WriteRecord{record})
	s.add(j, seq)
	if uploads := j.spec.Uploads(); len(uploads) > 0 {
		s.do(KeepUploads{j.uid, uploads})
	}
}

func (s *State) add(j *job, seq uint64) {
	j.digest, s.ranked = j.spec.Digest(), s.ranked || j.spec.Priority != 0
	s.jobs, s.live = append(s.jobs, j), append(s.live, j)
	s.byUID[j.uid], s.byID[j.spec.ID] = j, j
	if j.seq = seq; seq > 0 {
		s.bySeq[seq] = true
	}
}

func (s *State) unfit(spec mapreduce.Job, e mapreduce.Submitted) string {
	if e.Bad != "" {
		return e.Bad
	}
	if err := spec.Validate(); err != nil {
		return err.Error()
	}
	if reason := s.barred(spec, e.Exec); reason != "" {
		return reason
	}
	if known := s.byID[spec.ID]; known != nil && known.digest != spec.Digest() {
		if known.state.Final() {
			return fmt.Sprintf("job %s exists with another description: use another id, or remove that job", spec.ID)
		}
		return fmt.Sprintf("job %s exists with another description: use another id", spec.ID)
	}
	return ""
}

// reject says why a submission is not taken up. One from the stream becomes a failed job that says so, since nobody may
// be listening: under its own id if that is free.
func (s *State) reject(e mapreduce.Submitted, spec mapreduce.Job, reason string) {
	s.discard(spec.Uploads())
	if e.Reply != "" {
		s.reply(e.Reply, mapreduce.Answer{Error: reason})
		return
	}
	if !spec.ID.Valid() || s.byID[spec.ID] != nil {
		spec.ID = freshID(e)
	}
	if s.byID[spec.ID] == nil {
		s.recordFailed(e, spec.ID, reason)
	}
	s.do(Reject{e.Job.ID, e.Seq, reason})
}

func (s *State) recordFailed(e mapreduce.Submitted, id mapreduce.JobID, reason string) {
	j := newJob(e.UID)
	j.spec, j.known, j.at = mapreduce.Job{ID: id, Program: mapreduce.Abridge(e.Job.Name(), 64)}, true, s.now
	j.state, j.error, j.swept, j.summary = mapreduce.Failed, reason, true, &mapreduce.Summary{Ended: s.now}
	record := s.record(j, mapreduce.Failed)
	record.Seq, record.Spec, record.Summary, record.Swept = e.Seq, &j.spec, j.summary, true
	s.do(WriteRecord{record})
	s.add(j, e.Seq)
	s.do(Tell{s.status(j)})
}

// record is a record of a job in a state, without what only some have.
func (s *State) record(j *job, state mapreduce.State) mapreduce.Record {
	return mapreduce.Record{
		Version: mapreduce.RecordVersion, UID: j.uid, Job: j.spec.ID, State: state, At: s.now,
		Error: mapreduce.Abridge(j.error, mapreduce.MaxWords),
	}
}
