package coordinator_test

import (
	"testing"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// skipping is a scene in which two maps of a job that may leave out so many records are queued.
func skipping(t *testing.T, records int) *scene {
	s := leading(t, coordinator.Config{})
	job := count()
	job.SkipBad = records
	s.play(submitted(1, job), planned(2))
	return s
}

// without is the commit of a map that has left out records at these bytes.
func without(n int, offsets ...int64) mapreduce.Commit {
	c := committed(mapreduce.Map, n)
	for _, offset := range offsets {
		c.Bad = append(c.Bad, mapreduce.BadRecord{Source: "in", Offset: offset, Length: 1, Reason: "no number"})
	}
	return c
}

func TestLastAttemptOfAMapIsCareful(t *testing.T) {
	for allowed, want := range map[int]int{0: 0, 5: 5} {
		s := skipping(t, allowed)
		for by := uint32(1); by < 3; by++ {
			if again := s.queuedTask(failed(mapreduce.Map, 1, by), "map.1"); again.Careful {
				t.Errorf("attempt %d is careful", by+1)
			}
		}
		if last := s.queuedTask(failed(mapreduce.Map, 1, 3), "map.1"); !last.Careful || last.SkipBad != want {
			t.Errorf("the last attempt is careful: %t, and may leave out %d, not %d", last.Careful, last.SkipBad, want)
		}
	}
}

// A message that came twice, or a copy, may fail without care when it is time for care.
func TestMapIsTriedWithCareBeforeItFailsTheJob(t *testing.T) {
	s := skipping(t, 0)
	careless := failed(mapreduce.Map, 1, 0)
	careless.Careful = false
	for careless.Attempt.N < 9 {
		careless.Attempt.N++
		s.on(careless, `enqueue map.1`)
	}
	s.on(failed(mapreduce.Map, 1, 10), `end failed: map task 1 failed 4 times, the last time: exit status 3`)
}

func TestWhatOneMapLeavesOutAnotherMayNot(t *testing.T) {
	s := skipping(t, 5)
	s.play(failed(mapreduce.Map, 1, 1), failed(mapreduce.Map, 1, 2), without(0, 7, 9))
	if last := s.queuedTask(failed(mapreduce.Map, 1, 3), "map.1"); last.SkipBad != 3 {
		t.Errorf("it may leave out %d", last.SkipBad)
	}
}

func TestMoreBadRecordsThanAllowedFailTheJob(t *testing.T) {
	s := skipping(t, 2)
	s.play(without(0, 7, 9))
	s.on(without(1, 30), `end failed: 3 records cannot be mapped, 2 may be left out; one of them is in in at byte 30: no number`)
}

func TestWhatWasLeftOutIsKeptBeforeItsCommitsAreForgotten(t *testing.T) {
	s := skipping(t, 9)
	s.play(without(1, 30), without(0, 9, 7), committed(mapreduce.Reduce, 0), committed(mapreduce.Reduce, 1), done())
	s.on(asked(mapreduce.WantQuarantine), `answer r: left out [{in 7 1 no number} {in 9 1 no number} {in 30 1 no number}]`)
	s.on(committed(mapreduce.Finish, 0), `
		record quarantine 0: 3
		record done
		tell u1 done
		dismiss u1
		drop 3 lanes
		forget u1, whole: false
		record done, swept`)
	s.on(asked(mapreduce.WantQuarantine), `answer r: left out [{in 7 1 no number} {in 9 1 no number} {in 30 1 no number}]`)
}

func TestQuarantineIsTakenOver(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	for _, record := range inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping, mapreduce.Reducing, mapreduce.Finishing) {
		s.play(record)
	}
	kept := mapreduce.Record{Version: 1, UID: "u1", Job: "count", State: mapreduce.Finishing}
	for _, part := range mapreduce.Parts(without(0, 7, 9).Bad) {
		kept.Quarantine = &part
		s.play(mapreduce.Restored{Record: kept})
	}
	s.play(mapreduce.Restored{Record: mapreduce.Record{
		Version: 1, UID: "u1", Job: "count", State: mapreduce.Done, Swept: true, Summary: &mapreduce.Summary{Quarantined: 2},
	}}, mapreduce.Replayed{})
	s.on(asked(mapreduce.WantQuarantine), `answer r: left out [{in 7 1 no number} {in 9 1 no number}]`)
}

func TestMapThatRunsAgainLeavesOutTheSame(t *testing.T) {
	s := skipping(t, 2)
	s.play(without(0, 7, 9), committed(mapreduce.Map, 1), missing(task(mapreduce.Reduce, 1), 1, 1, 0))
	if again := s.queuedTask(committed(mapreduce.Reduce, 0), "map.0.2"); !again.Careful || again.SkipBad != 2 {
		t.Errorf("it is careful: %t, and may leave out %d", again.Careful, again.SkipBad)
	}
}
