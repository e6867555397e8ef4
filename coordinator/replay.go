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
	s.identify(j, r)
	s.recall(j, r)
	if j.swept {
		s.forget(j)
		if known {
			s.sweepLate(j) // what was heard of its tasks before may have been written after
		}
	}
	s.place(j)
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
	}
}

// identify takes in what the first record of a job says, or the one that it is removed.
func (s *State) identify(j *job, r mapreduce.Record) {
	if r.Seq > 0 {
		j.seq, s.bySeq[r.Seq] = r.Seq, true
	}
	if r.Spec != nil {
		j.spec, j.digest = *r.Spec, r.Spec.Digest()
	}
	if !j.known && (r.Spec != nil || r.Seq > 0) {
		j.known, j.at, j.retry = true, r.At, r.Retry
		s.jobs = append(s.jobs, j)
	}
}

// maxEarly bounds what is kept of jobs that no record has told of.
const maxEarly = 1 << 16

// errBehind: the records of one bucket have run so far ahead of the other's that some of them could not be kept.
var errBehind = errors.New("too many records of jobs that are not known yet")

// early keeps a record of a job that cannot be placed yet. To a leader it is no news of a job: it has all records.
func (s *State) early(uid mapreduce.UID, event mapreduce.Event) {
	if j := s.byUID[uid]; j != nil && j.state.Final() {
		s.sweepLate(j)
		return
	}
	if s.leading {
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
	clear(s.kept)
	s.settleIDs()
	for _, j := range slices.Clone(s.jobs) {
		switch {
		case j.state.Final():
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
		j.resume = s.began.Add(s.config.Resettle) // its tasks may be running; whoever runs one has said so by then
	}
	if rank(j.state) >= rank(mapreduce.Mapping) && !j.divided() {
		j.doom = "the record that says how many partitions it has is missing"
	}
	if j.divided() {
		s.do(MakeLanes{j.lanes()}) // the record may be all that the last leader managed
	}
	if uploads := j.spec.Uploads(); len(uploads) > 0 && j.state == mapreduce.Queued {
		s.do(KeepUploads{j.uid, uploads})
	}
	s.advance(j)
}
