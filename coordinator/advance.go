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
	for s.next(j) { // what could not be released may have doomed it
	}
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
		return s.mend(j)
	default:
		return s.proceed(j)
	}
	return true
}

// proceed moves a job on whose phase is complete.
func (s *State) proceed(j *job) bool {
	switch j.state {
	case mapreduce.Planning:
		s.partition(j, s.reduces(j))
		s.enter(j, mapreduce.Mapping)
		s.do(MakeLanes{j.lanes()})
	case mapreduce.Mapping:
		if j.last() == mapreduce.Map {
			s.enter(j, mapreduce.Finishing)
		} else {
			s.enter(j, mapreduce.Reducing)
		}
	case mapreduce.Reducing:
		s.enter(j, mapreduce.Finishing)
	case mapreduce.Finishing:
		return s.deliver(j)
	}
	return true
}

// deliver ends a job whose output is published. A result on the bus is linked to its name before.
func (s *State) deliver(j *job) bool {
	if j.spec.Output.OnBus() && !j.linked {
		if !j.linking {
			j.linking = true
			s.do(Link{j.spec.ID, j.uid, j.spec.Output})
		}
		return false
	}
	s.close(j, mapreduce.Done, "")
	return true
}

// link takes in that the result has its name, or why it cannot have it: nobody would find it.
func (s *State) link(e mapreduce.Linked) {
	j := s.byUID[e.UID]
	switch {
	case j == nil || j.state.Final():
	case e.Trouble != "":
		s.close(j, mapreduce.Failed, e.Trouble)
	default:
		j.linked = true
		s.advance(j)
	}
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
		s.ask(j, mapreduce.Failed, j.doom)
	}
	return false
}

// ask asks for the record that ends the job.
func (s *State) ask(j *job, state mapreduce.State, reason string) {
	j.ending = true
	reason = mapreduce.Abridge(reason, mapreduce.MaxWords)
	s.do(WriteEnd{mapreduce.End{Version: mapreduce.RecordVersion, UID: j.uid, State: state, Reason: reason}})
}

// enter records the job's next state; what the state allows is done after that.
func (s *State) enter(j *job, state mapreduce.State) {
	j.state = state
	record := s.record(j, state)
	record.Summary = j.summary
	if state == mapreduce.Mapping {
		record.Reduces = j.reduces
	}
	s.do(WriteRecord{record})
	s.furnish(j)
	s.do(Tell{s.status(j)})
}

// furnish makes the bucket that a result's rows go to, before finish looks for it: workers make none.
func (s *State) furnish(j *job) {
	if j.state == mapreduce.Finishing && j.end == nil && j.spec.Output.Kind() == mapreduce.ToBucket {
		s.do(MakeBucket{j.uid, j.spec.Output})
	}
}

// partition sets R.
func (s *State) partition(j *job, reduces int) {
	j.reduces = reduces
	j.phases[mapreduce.Reduce].size(reduces)
}

// reduces is R as asked for, else what the input is worth: min(slots, input ÷ 64 MiB), at least 1; 0 of a job that is map only.
func (s *State) reduces(j *job) int {
	switch {
	case j.spec.MapOnly:
		return 0
	case j.spec.Reduces > 0:
		return j.spec.Reduces
	}
	const worth = 64 << 20
	return max(1, min(s.slotsFor(j), int(j.plan.Bytes/worth), mapreduce.MaxPartitions))
}
