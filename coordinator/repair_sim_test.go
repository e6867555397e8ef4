package coordinator_test

import (
	"slices"
	"strings"
	"testing"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// What the simulation has found, each as short as it gets.

// commanded collects the commands of one kind that events lead to.
func commanded[C coordinator.Command](s *scene, events ...mapreduce.Event) (found []C) {
	for _, event := range events {
		for _, command := range s.state.Step(s.now, event) {
			if c, is := command.(C); is {
				found = append(found, c)
			}
		}
	}
	return found
}

func restored(record mapreduce.Record) mapreduce.Restored { return mapreduce.Restored{Record: record} }

func removedRecord(swept bool) mapreduce.Record {
	spec := count()
	record := mapreduce.Record{Version: 1, UID: "u1", Job: "count", State: mapreduce.Removed, Seq: 1, Swept: swept}
	if !swept {
		record.Spec = &spec
	}
	return record
}

// A standby hears that runs are missed, then that its leader makes them again.
func TestStandbyDoesNotRepairAgainWhatItsLeaderRepairs(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping, mapreduce.Reducing)...)
	s.play(planned(1), committed(mapreduce.Map, 0), missing(task(mapreduce.Reduce, 1), 1, 1, 0))
	s.play(restored(mapreduce.Record{
		Version: 1, UID: "u1", Job: "count", State: mapreduce.Reducing,
		Repair: &mapreduce.Repair{
			Generation: 2, Phase: mapreduce.Map, Tasks: mapreduce.RangesOf(0), Partitions: mapreduce.RangesOf(1),
		},
	}))
	s.play(mapreduce.Replayed{}, beat("w"))
	s.ticks(8)
	for _, record := range commanded[coordinator.WriteRecord](s, beat("v"), mapreduce.Tick{}) {
		t.Errorf("recorded %+v", record)
	}
	again := again(mapreduce.Map, 0, 2)
	if queued := commanded[coordinator.Enqueue](s, again); len(queued) != 1 || len(queued[0].Tasks) != 1 || queued[0].Tasks[0].ID.N != 1 {
		t.Errorf("once the map has run again, %+v is queued: not the reduce that waits for it", queued)
	}
}

// What an attempt writes for a removed job while nobody leads, the next leader forgets; and so what a standby heard of
// before it heard that the job is removed, since it may have been written after.
func TestLateRecordOfARemovedJobIsForgottenByTheNextLeader(t *testing.T) {
	for name, events := range map[string][]mapreduce.Event{
		"after":  {restored(removedRecord(true)), committed(mapreduce.Map, 0)},
		"before": {restored(queued(1, ptr(count()))), committed(mapreduce.Map, 0), restored(removedRecord(true))},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, coordinator.Config{})
			s.play(events...)
			forgotten := commanded[coordinator.Forget](s, mapreduce.Replayed{}, mapreduce.Tick{}, mapreduce.Tick{})
			if !slices.Equal(forgotten, []coordinator.Forget{{UID: "u1", Whole: true}}) {
				t.Errorf("forgotten: %v", forgotten)
			}
		})
	}
}

// A removal may be cut short after its first record, which must name all that is still to be dropped.
func TestRecordOfARemovalNamesWhatIsToBeDropped(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(submitted(1, count()), mapreduce.End{Version: 1, UID: "u1", State: mapreduce.Cancelled})
	records := commanded[coordinator.WriteRecord](s, asked(mapreduce.WantRemove))
	if len(records) != 2 || records[0].Record.Spec == nil || !records[0].Record.Spec.Same(count()) {
		t.Errorf("recorded %+v", records)
	}
}

func TestUploadOfTwoJobsIsDroppedWhenBothAreDone(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	for uid, state := range map[mapreduce.UID]mapreduce.State{"u1": mapreduce.Done, "u2": mapreduce.Done} {
		spec := count()
		spec.ID, spec.Inputs = mapreduce.JobID("of-"+uid), []string{"bus://upload/file"}
		s.play(restored(mapreduce.Record{Version: 1, UID: uid, Job: spec.ID, State: state, Spec: &spec}))
	}
	dropped := commanded[coordinator.DropUploads](s, mapreduce.Replayed{})
	if len(dropped) == 0 || !slices.Equal(dropped[0].Uploads, []string{"upload"}) {
		t.Errorf("dropped: %v", dropped)
	}
}

// A task is queued for the worker that has the input, and that worker goes away: all others leave the task in the queue.
func TestTaskThatAllWorkersLeaveFailsItsJobInTheEnd(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.idler = false
	s.play(submitted(1, count()), mapreduce.Beat{Version: 1, Worker: "idler", Bye: true})
	s.play(beat("w"), beat("v"))
	lack := failed(mapreduce.Plan, 0, 1)
	lack.Attempt.Worker, lack.Absent, lack.Reason = "w", true, "no such file"
	if queued := commanded[coordinator.Enqueue](s, lack); len(queued) != 1 {
		t.Fatalf("queued %v: not for the other worker", queued)
	}
	s.play(mapreduce.Beat{Version: 1, Worker: "v", Bye: true})
	var ends []coordinator.WriteEnd
	for range 40 {
		s.wait(250_000_000)
		ends = append(ends, commanded[coordinator.WriteEnd](s, beat("w"), mapreduce.Tick{})...)
	}
	if len(ends) != 1 || ends[0].End.Reason != "no such file" {
		t.Errorf("ends: %+v", ends)
	}
}

// The reason of a job that fails for want of its input is the want, whatever else went wrong.
func TestJobWithoutItsInputSaysSo(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(submitted(1, count()), mapreduce.Beat{Version: 1, Worker: "idler", Bye: true}, beat("w"), beat("v"))
	for i, worker := range []mapreduce.WorkerID{"w", "v"} {
		lack := failed(mapreduce.Plan, 0, uint32(i+1))
		lack.Attempt.Worker, lack.Absent, lack.Reason = worker, true, "no such file"
		if i == 1 {
			s.play(failed(mapreduce.Plan, 0, 9))
		}
		ends := commanded[coordinator.WriteEnd](s, lack)
		if i == 1 && (len(ends) != 1 || !strings.Contains(ends[0].End.Reason, "no such file")) {
			t.Errorf("ends: %+v", ends)
		}
	}
}

// The submission of a removed job may still stand in the jobs stream: the leader that took it up died before it settled it.
func TestRemovedSubmissionIsNotTakenUpAgain(t *testing.T) {
	for _, swept := range []bool{false, true} {
		s := newScene(t, coordinator.Config{})
		s.play(restored(removedRecord(swept)))
		if !swept { // the tombstone that is written instead must say so too
			for _, r := range commanded[coordinator.WriteRecord](s, mapreduce.Replayed{}) {
				if r.Record.Seq != 1 {
					t.Errorf("recorded %+v", r.Record)
				}
			}
		}
		s.play(mapreduce.Replayed{}, beat("w"))
		if taken := commanded[coordinator.WriteRecord](s, submitted(1, count())); len(taken) > 0 {
			t.Errorf("swept %t: taken up again: %+v", swept, taken)
		}
	}
}

// A record that was written twice, since there was no answer, may come to stand behind the one that its job is swept.
func TestRecordOfASweptJobMayComeLate(t *testing.T) {
	for name, between := range map[string][]mapreduce.Event{
		"swept":   nil,
		"removed": {restored(removedRecord(false))},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, coordinator.Config{})
			s.play(restored(queued(1, ptr(count()))))
			s.play(restored(mapreduce.Record{
				Version: 1, UID: "u1", Job: "count", State: mapreduce.Done, Swept: true, Summary: &mapreduce.Summary{},
			}))
			s.play(between...)
			s.play(restored(mapreduce.Record{Version: 1, UID: "u1", Job: "count", State: mapreduce.Mapping, Reduces: 2}))
			if begun := commanded[coordinator.Enqueue](s, mapreduce.Replayed{}, beat("w"), mapreduce.Tick{}); len(begun) > 0 {
				t.Errorf("queued: %+v", begun)
			}
		})
	}
}

// How many records a job may leave out stands in its first record, which may come after a commit that leaves some out.
func TestJobMayLeaveOutRecordsBeforeItIsKnownHowMany(t *testing.T) {
	for allowed, reason := range map[int]string{1: "", 0: "1 records cannot be mapped"} {
		s := newScene(t, coordinator.Config{})
		spec := count()
		spec.SkipBad = allowed
		left := committed(mapreduce.Map, 0)
		left.Bad = []mapreduce.BadRecord{{Source: "input", Offset: 7, Length: 1, Reason: "poison"}}
		s.play(inherited(mapreduce.Planning, mapreduce.Mapping)...)
		s.play(planned(2), left, restored(queued(1, &spec)))
		ends := commanded[coordinator.WriteEnd](s, mapreduce.Replayed{}, beat("w"), mapreduce.Tick{})
		switch {
		case reason == "" && len(ends) > 0:
			t.Errorf("a job that may leave out %d records ends: %+v", allowed, ends)
		case reason != "" && (len(ends) != 1 || !strings.HasPrefix(ends[0].End.Reason, reason)):
			t.Errorf("a job that may leave out %d records ends: %+v", allowed, ends)
		}
	}
}

func ptr[T any](v T) *T { return &v }
