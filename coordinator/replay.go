package coordinator

import (
	"errors"
	"slices"

	"jetreduce/mapreduce"
)

// restore takes in a record of an earlier leader, or of the one that leads while this one stands by. The order does not
// matter: a write that was repeated after a silence may have come to stand behind later ones.
func (s *State) restore(r mapreduce.Record) {
	if s.leading {
		return // its own
	}
	j, known := s.byUID[r.UID]
	if !known {
		j = newJob(r.UID)
		j.spec.ID = r.Job
		s.byUID[r.UID] = j
	}
	if r.At.After(s.dated) {
		s.dated = r.At
	}
	s.identify(j, r)
	s.recall(j, r)
	if j.swept {
		heard := s.heard(j)
		s.forget(j)
		if heard {
			s.sweepLate(j) // it may have been written after
		}
	}
	s.place(j)
}

// heard reports whether something was heard of a job's tasks, which is forgotten when the job is swept. Of most jobs that ended long ago
// there is nothing.
func (s *State) heard(j *job) bool {
	if slices.ContainsFunc(s.kept[j.uid], func(e mapreduce.Event) bool { return !j.keeps(e) }) {
		return true
	}
	return slices.ContainsFunc(j.all(), func(p *phase) bool {
		return (p.name != mapreduce.Finish || j.state == mapreduce.Removed) && (p.done > 0 || len(p.tasks) > 0)
	})
}

// keeps reports whether an event is a record that stays when the job is swept: its end, and until the job is removed, what finish has left.
func (j *job) keeps(event mapreduce.Event) bool {
	phase := mapreduce.Finish
	switch e := event.(type) {
	case mapreduce.Commit:
		phase = e.Task.Phase
	case mapreduce.Failure:
		phase = e.Task.Phase
	case mapreduce.End:
		return true
	}
	return phase == mapreduce.Finish && j.state != mapreduce.Removed
}

// recall takes in what a record says of where the job stands.
func (s *State) recall(j *job, r mapreduce.Record) {
	if r.Reduces > 0 && j.reduces == 0 && j.phases != nil { // of one that is swept nothing is left to divide
		s.partition(j, r.Reduces)
	}
	switch {
	case r.Repair != nil:
		j.mended(j.open(*r.Repair))
	case r.Quarantine != nil:
		j.keep(*r.Quarantine)
	case rank(r.State) >= rank(j.state):
		j.state, j.error, j.swept, j.summary = r.State, r.Error, r.Swept, r.Summary
		if r.State == mapreduce.Removed {
			j.removed = r.At
		}
	}
}

// identify takes in what the first record of a job says, or the one that it is removed.
func (s *State) identify(j *job, r mapreduce.Record) {
	if r.Seq > 0 {
		j.seq, s.bySeq[r.Seq] = r.Seq, true
	}
	if r.Spec != nil {
		j.spec, j.digest = *r.Spec, r.Spec.Digest()
		s.ranked = s.ranked || j.spec.Priority != 0
	}
	if !j.known && (r.Spec != nil || r.Seq > 0) {
		j.known, j.at, j.retry, j.exec = true, r.At, r.Retry, r.Exec
		s.jobs, s.live = append(s.jobs, j), append(s.live, j)
	}
}

// maxEarly bounds what is kept of jobs that no record has told of.
const maxEarly = 1 << 16

// errBehind: the records of one bucket have run so far ahead of the other's that some of them could not be kept.
var errBehind = errors.New("too many records of jobs that are not known yet")

// early keeps a record of a job that cannot be placed yet. To a leader, who has all records, it is litter: of a job that was removed so long
// ago that it is forgotten, or of none.
func (s *State) early(uid mapreduce.UID, event mapreduce.Event) {
	if j := s.byUID[uid]; j != nil && j.state.Final() {
		if !j.keeps(event) {
			s.sweepLate(j)
		}
		return
	}
	if s.leading {
		s.litter(uid)
		return
	}
	if s.earlies++; s.earlies > maxEarly {
		s.behind = true
		return
	}
	s.kept[uid] = append(s.kept[uid], event)
}

// place tries again what could not be placed.
func (s *State) place(j *job) {
	kept := s.kept[j.uid]
	if len(kept) == 0 {
		return
	}
	delete(s.kept, j.uid)
	s.earlies -= len(kept)
	for _, event := range kept {
		switch e := event.(type) {
		case mapreduce.Commit:
			s.commit(e)
		case mapreduce.Failure:
			s.fail(e)
		case mapreduce.End:
			s.decide(e)
		}
	}
}

// lead begins to act: everything that the records say has been handed in.
func (s *State) lead() {
	if s.leading {
		return
	}
	s.leading = true
	for uid := range s.kept {
		s.litter(uid)
	}
	clear(s.kept)
	if s.behind {
		s.clearAway()
		return
	}
	s.tally = newTally(s.now)
	s.settleIDs()
	s.gather()
	for _, j := range slices.Clone(s.jobs) {
		switch {
		case j.state.Final():
			j.inherited()
			s.sweep(j)
		default:
			s.resume(j)
		}
	}
	if s.looked = s.now; len(s.over()) > 0 {
		s.sweepLanes()
	}
}

// settleIDs finds out which of several submissions under one id is the job: the latest retry. The others were about to be
// removed when their leader ended.
func (s *State) settleIDs() {
	slices.SortStableFunc(s.jobs, func(a, b *job) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return a.retry - b.retry
	})
	var replaced []*job
	for _, j := range s.jobs {
		before := s.byID[j.spec.ID]
		switch {
		case j.state == mapreduce.Removed:
		case before == nil || before.retry <= j.retry:
			s.byID[j.spec.ID] = j
			if before != nil {
				replaced = append(replaced, before)
			}
		default:
			replaced = append(replaced, j)
		}
	}
	for _, j := range replaced {
		s.remove(j)
	}
}

// resume goes on with a job where the last leader was.
func (s *State) resume(j *job) {
	if j.state != mapreduce.Queued {
		j.inherited()
		j.resume = s.began.Add(s.config.Resettle) // its tasks may be running; whoever runs one has said so by then
	}
	if rank(j.state) >= rank(mapreduce.Mapping) && !j.divided() {
		j.doom = "the record that says how many partitions it has is missing"
	}
	if j.divided() {
		s.do(MakeLanes{j.lanes()}) // the record may be all that the last leader managed
	}
	s.furnish(j)
	if uploads := j.spec.Uploads(); len(uploads) > 0 && j.state == mapreduce.Queued {
		s.do(KeepUploads{j.uid, uploads})
	}
	s.advance(j)
}
