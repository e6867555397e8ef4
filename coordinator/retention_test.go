package coordinator_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// day is how long things are kept here.
const day = 24 * time.Hour

// over is the records of a job that ended at a time.
func over(n uint64, state mapreduce.State, at time.Time, to string) mapreduce.Restored {
	job := count()
	job.ID, job.Output.To = mapreduce.JobID(fmt.Sprintf("job-%d", n)), to
	return mapreduce.Restored{Record: mapreduce.Record{
		Version: 1, UID: mapreduce.UID(fmt.Sprintf("u%d", n)), Job: job.ID, State: state, Seq: n, Spec: &job, At: at, Swept: true,
		Summary: &mapreduce.Summary{Ended: at},
	}}
}

// tick hands in a tick, and returns which jobs are removed or erased.
func (s *scene) gone() (gone []string) {
	s.now = s.now.Add(10 * time.Second)
	commands := s.state.Step(s.now, mapreduce.Tick{})
	if slices.Contains(commands, coordinator.Command(coordinator.ReadClock{})) {
		commands = append(commands, s.state.Step(s.now, mapreduce.ClockSeen{At: s.now.Add(s.skew)})...)
	}
	for _, command := range commands {
		switch c := command.(type) {
		case coordinator.WriteRecord:
			if c.Record.State == mapreduce.Removed && !c.Record.Swept {
				gone = append(gone, "removed "+string(c.Record.UID))
			}
		case coordinator.Erase:
			gone = append(gone, "erased "+string(c.UID))
		}
	}
	return gone
}

func TestJobsThatEndedLongAgoAreRemoved(t *testing.T) {
	s := newScene(t, coordinator.Config{Keep: day})
	s.play(over(1, mapreduce.Failed, s.now.Add(-23*time.Hour), ""), over(2, mapreduce.Done, s.now.Add(-25*time.Hour), "file:///out"),
		over(3, mapreduce.Cancelled, s.now.Add(-26*time.Hour), ""), mapreduce.Replayed{})
	if got := s.gone(); !slices.Equal(got, []string{"removed u3", "removed u2"}) {
		t.Errorf("%v", got)
	}
	s.now = s.now.Add(2 * time.Hour)
	if got := s.gone(); !slices.Equal(got, []string{"removed u1"}) {
		t.Errorf("%v", got)
	}
}

func TestOldestOfTooManyJobsAreRemoved(t *testing.T) {
	s := newScene(t, coordinator.Config{KeepJobs: 2})
	for n := uint64(1); n <= 4; n++ {
		s.play(over(n, mapreduce.Failed, s.now.Add(-time.Duration(n)*time.Hour), ""))
	}
	s.play(over(5, mapreduce.Done, s.now.Add(-day), "file:///out"), over(6, mapreduce.Failed, s.now.Add(-time.Minute), ""))
	s.play(mapreduce.Replayed{}, submitted(7, count()))
	if got := s.gone(); !slices.Equal(got, []string{"removed u5", "removed u4", "removed u3"}) {
		t.Errorf("%v", got)
	}
}

// A result that nobody has fetched must not vanish because other jobs came.
func TestResultOnTheBusOutlivesTheHistory(t *testing.T) {
	s := newScene(t, coordinator.Config{Keep: day, KeepJobs: 1})
	s.play(over(1, mapreduce.Done, s.now.Add(-100*day), ""), over(2, mapreduce.Done, s.now.Add(-100*day), "object://b/o"), mapreduce.Replayed{})
	if got := s.gone(); got != nil {
		t.Errorf("%v", got)
	}
	s = newScene(t, coordinator.Config{KeepResults: 50 * day})
	s.play(over(1, mapreduce.Done, s.now.Add(-100*day), ""), over(2, mapreduce.Failed, s.now.Add(-100*day), ""), mapreduce.Replayed{})
	if got := s.gone(); !slices.Equal(got, []string{"removed u1"}) {
		t.Errorf("%v", got)
	}
}

func TestEverythingIsKeptUnlessSomebodySaysOtherwise(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(over(1, mapreduce.Failed, s.now.Add(-10000*day), ""), mapreduce.Replayed{})
	if got := s.gone(); got != nil {
		t.Errorf("%v", got)
	}
}

// Each removal costs the bus some requests, and nothing is decided meanwhile.
func TestManyJobsAreRemovedAFewAtATime(t *testing.T) {
	s := newScene(t, coordinator.Config{Keep: day})
	for n := uint64(1); n <= 40; n++ {
		s.play(over(n, mapreduce.Failed, s.now.Add(-2*day), ""))
	}
	s.play(mapreduce.Replayed{})
	for _, want := range []int{16, 16, 8, 0} {
		if got := s.gone(); len(got) != want {
			t.Errorf("%d at once, want %d", len(got), want)
		}
	}
}

// tombstone is the record of a job that was removed.
func tombstone(n uint64, at time.Time) mapreduce.Restored {
	uid := mapreduce.UID(fmt.Sprintf("u%d", n))
	return mapreduce.Restored{Record: mapreduce.Record{Version: 1, UID: uid, Job: "count", State: mapreduce.Removed, Seq: n, Swept: true, At: at}}
}

func TestRemovedJobIsErasedWhenNoAttemptOfItCanDecide(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(tombstone(1, s.now.Add(-6*day)), tombstone(2, s.now.Add(-8*day)), mapreduce.Replayed{})
	if got := s.gone(); got != nil {
		t.Errorf("who has just begun to listen knows too little, and %v", got)
	}
	s.on(submitted(2, count()), `accept 2`) // an earlier leader had not settled it
	s.now = s.now.Add(time.Hour)
	if got := s.gone(); !slices.Equal(got, []string{"erased u2"}) {
		t.Errorf("%v", got)
	}
	late := committed(mapreduce.Map, 0)
	late.Task.UID = "u2"
	s.on(late, ``) // it is known no more: whatever is recorded for it goes
	s.now = s.now.Add(time.Second)
	s.on(mapreduce.Tick{}, `erase u2`)
	late.Task.UID = "u1"
	s.play(late)
	s.now = s.now.Add(time.Second)
	s.on(mapreduce.Tick{}, `forget u1, whole: true`)
}

// Else all would seem to have ended long ago.
func TestLeaderWhoseClockIsWrongRemovesNothing(t *testing.T) {
	for _, skew := range []time.Duration{-31 * day, 31 * day} {
		s := newScene(t, coordinator.Config{Keep: 10 * day})
		s.skew = skew
		s.play(over(1, mapreduce.Failed, s.now.Add(-20*day), ""), tombstone(2, s.now.Add(-20*day)), mapreduce.Replayed{})
		s.now = s.now.Add(2 * time.Hour)
		if got := s.gone(); got != nil {
			t.Errorf("with a clock that is %s behind: %v", skew, got)
		}
		s.skew = 0
		if got := s.gone(); !slices.Equal(got, []string{"removed u1", "erased u2"}) {
			t.Errorf("when it was set right: %v", got)
		}
	}
}

// It comes to lead, and whatever is recorded for a job that it does not know is litter.
func TestStandbyWhoseClockIsWrongForgetsNothing(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(tombstone(1, s.now.Add(-time.Hour)))
	right := s.now
	s.now = right.Add(100 * day)
	s.gone()
	s.now = right.Add(time.Hour)
	s.play(mapreduce.Replayed{})
	late := committed(mapreduce.Map, 0)
	s.play(late)
	s.now = s.now.Add(time.Second)
	s.on(mapreduce.Tick{}, `forget u1, whole: true`)
}

// A standby must know of what a leader has not erased, should it come to lead.
func TestStandbyForgetsLaterThanTheLeaderErases(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(tombstone(1, s.now.Add(-8*day)), over(2, mapreduce.Failed, s.now, ""))
	s.now = s.now.Add(2 * time.Hour)
	if got := s.gone(); got != nil {
		t.Errorf("%v", got)
	}
	s.play(mapreduce.Replayed{})
	if got := s.gone(); !slices.Equal(got, []string{"erased u1"}) {
		t.Errorf("%v", got)
	}
}
