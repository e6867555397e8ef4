package coordinator

import (
	"jetreduce/mapreduce"
)

// advance moves a job as far as its records allow, and queues what may run. It alone moves a job once
// this leader leads, and is safe to call at any time.
func (s *State) advance(j *job) {
	if !s.leading {
		return
	}
	for s.next(j) {
	}
	s.release(j)
}

// next makes one transition, and reports whether there was one.
func (s *State) next(j *job) bool {
	p := j.running()
	switch {
	case j.state.Final():
		return false
	case j.end != nil && j.end.State != mapreduce.Done:
		s.close(j, j.end.State, j.end.Reason)
	case j.doom != "" && !j.finished():
		return s.condemn(j)
	case j.state == mapreduce.Queued:
		s.enter(j, mapreduce.Planning)
	case !p.complete():
		return false
	case j.state == mapreduce.Planning:
		s.partition(j, s.reduces(j))
		s.enter(j, mapreduce.Mapping)
		s.do(MakeLanes{j.lanes()})
	case j.state == mapreduce.Mapping:
		s.enter(j, mapreduce.Reducing)
	case j.state == mapreduce.Reducing:
		s.enter(j, mapreduce.Finishing)
	case j.state == mapreduce.Finishing:
		s.close(j, mapreduce.Done, "")
	}
	return true
}

// finished reports whether the output has been published: past that, nothing fails the job.
func (j *job) finished() bool { return j.phases[mapreduce.Finish].complete() }

// condemn asks for the record that fails the job. Finish may have been first: then its decision comes back and stands.
// Only when it is publishing that failed, after the decision, the job fails with the decision made.
func (s *State) condemn(j *job) bool {
	if j.end != nil {
		s.close(j, mapreduce.Failed, j.doom)
		return true
	}
	if !j.ending {
		j.ending = true
		s.do(WriteEnd{mapreduce.End{
			Version: mapreduce.RecordVersion, UID: j.uid, State: mapreduce.Failed, Reason: j.doom,
		}})
	}
	return false
}

// enter records the job's next state; what the state allows is done after that.
func (s *State) enter(j *job, state mapreduce.State) {
	j.state = state
	record := mapreduce.Record{Version: mapreduce.RecordVersion, UID: j.uid, Job: j.spec.ID, State: state, Error: j.error}
	if state == mapreduce.Mapping {
		record.Reduces = j.reduces
	}
	s.do(WriteRecord{record})
	s.do(Tell{s.status(j)})
}

// close ends the job. Its end stands in a record already, so nobody needs its storage any more, whoever leads.
func (s *State) close(j *job, state mapreduce.State, reason string) {
	s.withdraw(j)
	if j.reduces > 0 {
		s.do(DropLanes{j.lanes()})
	}
	j.error = reason
	s.enter(j, state)
	for _, p := range j.phases {
		clear(p.tasks) // failures may still come in
	}
}

// partition sets R.
func (s *State) partition(j *job, reduces int) {
	j.reduces = reduces
	j.phases[mapreduce.Reduce].size(reduces)
}

// reduces is R as asked for, else what the input is worth: min(slots, input ÷ 64 MiB), at least 1.
func (s *State) reduces(j *job) int {
	if j.spec.Reduces > 0 {
		return j.spec.Reduces
	}
	const worth = 64 << 20
	return max(1, min(s.slots(), int(j.plan.Bytes/worth), mapreduce.MaxPartitions))
}
