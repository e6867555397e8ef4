package coordinator_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

func queued(seq uint64, spec *mapreduce.Job) mapreduce.Record {
	return mapreduce.Record{Version: 1, UID: "u1", Job: spec.ID, State: mapreduce.Queued, Seq: seq, Spec: spec}
}

// inherited is what a leader that died has left of job u1: the records of its states, in order.
func inherited(states ...mapreduce.State) (events []mapreduce.Event) {
	spec := count()
	for _, state := range states {
		record := queued(1, &spec)
		if state != mapreduce.Queued {
			record = mapreduce.Record{Version: 1, UID: "u1", Job: spec.ID, State: state}
		}
		if state == mapreduce.Mapping {
			record.Reduces = 2
		}
		events = append(events, mapreduce.Restored{Record: record})
	}
	return events
}

func TestNewLeaderMakesLanesAndListensBeforeItQueues(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping)...)
	s.play(planned(4), committed(mapreduce.Map, 1))
	s.on(mapreduce.Replayed{}, `make 3 lanes`)
	s.wait(500 * time.Millisecond)
	s.play(beat("w1", task(mapreduce.Map, 0)))
	s.on(mapreduce.Tick{}, `tell u1 mapping`)
	s.wait(500 * time.Millisecond)
	s.on(mapreduce.Tick{}, `
		enqueue map.2 map.3
		tell u1 mapping`)
}

func TestNewLeaderDoesWhatTheLastOneOnlyCouldHave(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(inherited(mapreduce.Queued, mapreduce.Planning)...)
	s.play(planned(1))
	s.on(mapreduce.Replayed{}, `
		record mapping
		tell u1 mapping
		make 3 lanes`)
}

func TestReplayCommandsNothing(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	events := inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping)
	events = append(events, planned(1), committed(mapreduce.Map, 0), failed(mapreduce.Reduce, 0, 1), mapreduce.Tick{})
	for _, event := range events {
		s.on(event, ``)
	}
}

func TestNewLeaderFindsTheJobDoomed(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping)...)
	s.play(planned(1))
	for n := range uint32(4) {
		s.play(failed(mapreduce.Map, 0, n))
	}
	s.on(mapreduce.Replayed{}, `
		make 3 lanes
		end failed: map task 0 failed 4 times, the last time: exit status 3`)
}

func TestNewLeaderClosesWhatIsDecided(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(inherited(mapreduce.Queued, mapreduce.Planning)...)
	s.play(mapreduce.End{UID: "u1", State: mapreduce.Cancelled, Reason: "asked to"})
	s.on(mapreduce.Replayed{}, `
		record cancelled asked to
		tell u1 cancelled
		dismiss u1
		forget u1, whole: false
		record cancelled, swept
		sweep the lanes of 1`)
}

func TestFinishedJobIsLeftAlone(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping, mapreduce.Done)...)
	s.play(planned(1), committed(mapreduce.Map, 0), done())
	s.on(mapreduce.Replayed{}, `
		drop 3 lanes
		forget u1, whole: false
		record done, swept
		sweep the lanes of 1`)
	s.on(mapreduce.Tick{}, ``)
	s.on(failed(mapreduce.Map, 0, 1), ``)
}

// A write that was repeated after a silence stands behind later ones, and moves the record there.
func TestRecordsInAnyOrderRestoreTheSameJob(t *testing.T) {
	records := inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping, mapreduce.Reducing)
	rapid.Check(t, func(r *rapid.T) {
		s := newScene(t, coordinator.Config{})
		s.play(rapid.Permutation(records).Draw(r, "records")...)
		s.play(planned(1), committed(mapreduce.Map, 0))
		s.on(mapreduce.Replayed{}, `make 3 lanes`)
		s.wait(2 * time.Second)
		s.on(beat("w1"), `enqueue reduce.0 reduce.1`)
	})
}

func TestJobThatIsSweptIsLeftAlone(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	swept := mapreduce.Record{Version: 1, UID: "u1", Job: "count", State: mapreduce.Done, Swept: true, Summary: &mapreduce.Summary{Maps: 3, Done: 3}}
	s.play(inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping)...)
	s.play(mapreduce.Restored{Record: swept})
	s.on(mapreduce.Replayed{}, `sweep the lanes of 1`)
	s.on(mapreduce.Asked{Job: "count", Reply: "r"}, `answer r: done`)
}

// A standby reads the two buckets by separate ways, and in neither order.
func TestCommitsThatComeBeforeTheirRecordsCount(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(committed(mapreduce.Reduce, 1), committed(mapreduce.Map, 0), planned(1))
	s.play(inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping, mapreduce.Reducing)...)
	s.on(mapreduce.Replayed{}, `make 3 lanes`)
	s.wait(2 * time.Second)
	s.on(beat("w1"), `enqueue reduce.0`)
}

// It has heard all that any worker could say.
func TestStandbyThatHasListenedForLongNeedNotWait(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping)...)
	s.play(planned(3), beat("w1", task(mapreduce.Map, 0)))
	s.wait(time.Second)
	s.on(mapreduce.Replayed{}, `
		make 3 lanes
		enqueue map.1 map.2`)
}

func TestJobWhoseNumberOfPartitionsIsLostFails(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Reducing)...)
	s.play(planned(1), committed(mapreduce.Map, 0))
	s.on(mapreduce.Replayed{}, `end failed: the record that says how many partitions it has is missing`)
}
