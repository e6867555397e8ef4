package coordinator

import (
	"cmp"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// Jobs that have ended stay, so that users see how they ended, and then go, as if somebody had removed them: after a time, or when there are
// too many. A result that only the bus has is its job's; both stay for as long as results are to be kept, whatever becomes of others.
//
//	ends ──── keep ────▶ removed: its uid is remembered ──── remember ────▶ erased
//	                     late attempts find it dead                         late attempts are all dead (mapreduce.LongestFinish)

// atOnce bounds how many jobs a tick removes or erases: each costs the bus some requests, and nothing else is decided meanwhile.
const atOnce = 16

// maxSkew is how wrong a clock may be of whoever removes things by the date.
const maxSkew = 5 * time.Minute

// retain looks whether anything has been kept long enough. A leader then compares its clock with that of the bus first: with a wrong one all
// would seem old.
func (s *State) retain() {
	switch {
	case s.now.Sub(s.retained) < s.config.RetainEvery:
	case !s.leading:
		s.letOld()
	case len(s.outdated()) > 0 || len(s.forgotten()) > 0:
		s.do(ReadClock{})
	default:
		s.retained = s.now
	}
}

// clockSeen goes on with that, unless the clocks differ.
func (s *State) clockSeen(e mapreduce.ClockSeen) {
	if !s.leading || s.now.Sub(e.At).Abs() > maxSkew {
		s.retained = s.now
		return
	}
	s.letOld()
}

// letOld removes and erases what has been kept long enough: some now, the rest with the next ticks.
func (s *State) letOld() {
	outdated, forgotten := s.outdated(), s.forgotten()
	if len(outdated) <= atOnce && len(forgotten) <= atOnce {
		s.retained = s.now
	}
	for _, j := range outdated[:min(len(outdated), atOnce)] {
		s.remove(j)
	}
	for _, j := range forgotten[:min(len(forgotten), atOnce)] {
		s.erase(j)
	}
}

// outdated is the jobs that have been kept long enough, those that ended first at the beginning.
func (s *State) outdated() (outdated []*job) {
	if !s.leading || s.config.Keep <= 0 && s.config.KeepJobs <= 0 && s.config.KeepResults <= 0 {
		return nil
	}
	var ended []*job
	for _, j := range s.jobs {
		switch {
		case !j.state.Final() || s.now.Sub(j.ended()) < s.config.KeepAtLeast:
		case !j.hasResult():
			ended = append(ended, j)
		case s.config.KeepResults > 0 && s.now.Sub(j.ended()) >= s.config.KeepResults:
			outdated = append(outdated, j)
		}
	}
	sooner := func(a, b *job) int { return cmp.Or(a.ended().Compare(b.ended()), cmp.Compare(a.uid, b.uid)) }
	slices.SortFunc(ended, sooner)
	for i, j := range ended {
		old := s.config.Keep > 0 && s.now.Sub(j.ended()) >= s.config.Keep
		if old || s.config.KeepJobs > 0 && len(ended)-i > s.config.KeepJobs {
			outdated = append(outdated, j)
		}
	}
	slices.SortFunc(outdated, sooner)
	return outdated
}

// hasResult reports whether the bus has what the job has made, and nobody else.
func (j *job) hasResult() bool { return j.state == mapreduce.Done && j.spec.Output.OnBus() }

// ended is when the job ended; one that was refused ended when it came.
func (j *job) ended() time.Time {
	if j.summary != nil && !j.summary.Ended.IsZero() {
		return j.summary.Ended
	}
	return j.at
}

// forgotten is the removed jobs whose uid has been remembered long enough. Not by one who has just begun to listen: submissions that no
// earlier leader has settled are handed in again, and must be known.
func (s *State) forgotten() (forgotten []*job) {
	if s.now.Sub(s.began) < min(s.config.Remember/4, time.Hour) {
		return nil
	}
	now, long := s.now, s.config.Remember
	if !s.leading { // whoever leads erases it; if nobody has, and this one comes to lead, it must know of it, whatever its clock says
		now, long = s.dated, 2*long
	}
	for _, j := range s.byUID {
		if j.state == mapreduce.Removed && j.swept && now.Sub(j.removed) >= long {
			forgotten = append(forgotten, j)
		}
	}
	slices.SortFunc(forgotten, func(a, b *job) int { return cmp.Compare(a.uid, b.uid) })
	return forgotten
}

// erase forgets that there ever was a job. A standby does so too, and leaves the records to whoever leads.
func (s *State) erase(j *job) {
	delete(s.byUID, j.uid)
	delete(s.bySeq, j.seq)
	delete(s.late, j.uid)
	s.do(Erase{j.uid})
}
