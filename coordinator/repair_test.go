package coordinator_test

import (
	"errors"
	"testing"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// shuffling is a scene in which both reduces of a job of three maps stand in the queue.
func shuffling(t *testing.T, config coordinator.Config) *scene {
	s := mapping(t, config, 3)
	s.play(committed(mapreduce.Map, 0), committed(mapreduce.Map, 1))
	s.on(committed(mapreduce.Map, 2), `
		record reducing
		tell u1 reducing
		enqueue reduce.0 reduce.1`)
	return s
}

// missing is the record of a reader that did not find what these tasks had made.
func missing(reader mapreduce.TaskID, by uint32, seen mapreduce.Generation, tasks ...int) mapreduce.Failure {
	return mapreduce.Failure{
		Version: 1, Task: reader, Attempt: attempt("r", by), Missing: mapreduce.RangesOf(tasks...), Seen: seen, Reason: "runs lost",
	}
}

// again is the commit of a task in a later generation.
func again(phase mapreduce.Phase, n int, generation mapreduce.Generation) mapreduce.Commit {
	c := committed(phase, n)
	c.Task.Generation, c.Attempt = generation, attempt("again", uint32(n+1))
	return c
}

// queuedTask is the task of that name that the event makes the leader queue.
func (s *scene) queuedTask(event mapreduce.Event, name string) mapreduce.Task {
	s.t.Helper()
	for _, command := range s.state.Step(s.now, event) {
		if enqueue, ok := command.(coordinator.Enqueue); ok {
			for _, task := range enqueue.Tasks {
				if short(task.ID) == name {
					return task
				}
			}
		}
	}
	s.t.Fatalf("%s is not queued", name)
	return mapreduce.Task{}
}

func TestLostRunsAreMadeAgainByTheMapsThatLostThem(t *testing.T) {
	s := shuffling(t, coordinator.Config{})
	s.on(missing(task(mapreduce.Reduce, 1), 1, 1, 0, 2), ``) // the other reduce may miss some, too
	s.on(committed(mapreduce.Reduce, 0), `
		record repair 2: map 0,2 for 1
		make 1 lanes
		tell u1 reducing
		enqueue map.0.2 map.2.2`)
	s.on(again(mapreduce.Map, 0, 2), ``)
	retried := s.queuedTask(again(mapreduce.Map, 2, 2), "reduce.1")
	if lanes := retried.Lanes; len(lanes) != 2 || lanes[0] != 1 || lanes[1] != 2 {
		t.Errorf("reduce 1 reads lanes of generations %v", lanes)
	}
	roster, err := mapreduce.DecodeRoster(retried.Roster.Inline)
	if err != nil || roster[0] != attempt("again", 1) || roster[1] != attempt("w", 2) || roster[2] != attempt("again", 3) {
		t.Errorf("its roster is %v: %v", roster, err)
	}
	s.on(committed(mapreduce.Reduce, 1), `
		record finishing
		tell u1 finishing
		enqueue finish.0`)
}

func TestMapsThatRunAgainPublishTheLostPartitionsOnly(t *testing.T) {
	s := shuffling(t, coordinator.Config{})
	s.play(missing(task(mapreduce.Reduce, 1), 1, 1, 0))
	rerun := s.queuedTask(committed(mapreduce.Reduce, 0), "map.0.2")
	if got := rerun.Partitions.String(); got != "1" || rerun.Reduces != 2 {
		t.Errorf("it publishes partitions %q of %d", got, rerun.Reduces)
	}
}

func TestReadersThatMissTheSameAreRepairedTogether(t *testing.T) {
	s := shuffling(t, coordinator.Config{})
	s.on(missing(task(mapreduce.Reduce, 0), 1, 1, 0), ``)
	s.on(missing(task(mapreduce.Reduce, 1), 2, 1, 1), `
		record repair 2: map 0-1 for 0-1
		make 2 lanes
		tell u1 reducing
		enqueue map.0.2 map.1.2`)
}

func TestRepairDoesNotWaitForReadersForEver(t *testing.T) {
	s := shuffling(t, coordinator.Config{Gather: 500 * time.Millisecond})
	s.on(missing(task(mapreduce.Reduce, 1), 1, 1, 0), ``)
	s.wait(500 * time.Millisecond)
	s.on(mapreduce.Tick{}, `
		record repair 2: map 0 for 1
		make 1 lanes
		tell u1 reducing
		enqueue map.0.2
		tell u1 reducing`)
}

func TestLossThatARepairIsMendingIsNotRepairedAgain(t *testing.T) {
	s := shuffling(t, coordinator.Config{})
	s.play(missing(task(mapreduce.Reduce, 1), 1, 1, 0), committed(mapreduce.Reduce, 0))
	s.on(missing(task(mapreduce.Reduce, 1), 2, 1, 0), ``) // another attempt of it had looked before
	s.on(again(mapreduce.Map, 0, 2), `enqueue reduce.1`)
	s.on(missing(task(mapreduce.Reduce, 1), 3, 2, 0), `
		record repair 3: map 0 for 1
		make 1 lanes
		tell u1 reducing
		enqueue map.0.3`)
}

func TestLostRowsAreMadeAgainByTheirReduces(t *testing.T) {
	s := shuffling(t, coordinator.Config{})
	s.play(committed(mapreduce.Reduce, 0), committed(mapreduce.Reduce, 1))
	s.on(missing(task(mapreduce.Finish, 0), 1, 1, 1), `
		record repair 2: reduce 1 for
		make 1 lanes
		tell u1 finishing
		enqueue reduce.1.2`)
	// What that reduce reads may be gone as well.
	late := missing(task(mapreduce.Reduce, 1), 2, 1, 2)
	late.Task.Generation = 2
	s.on(late, `
		record repair 3: map 2 for 1
		make 1 lanes
		tell u1 finishing
		enqueue map.2.3`)
	s.on(again(mapreduce.Map, 2, 3), `enqueue reduce.1.2`)
	finish := s.queuedTask(again(mapreduce.Reduce, 1, 2), "finish.0")
	if lanes := finish.Lanes; len(lanes) != 2 || lanes[1] != 2 {
		t.Errorf("finish reads lanes of generations %v", lanes)
	}
}

func TestOutputThatDiffersWhenItIsMadeAgainFailsTheJob(t *testing.T) {
	s := shuffling(t, coordinator.Config{})
	s.play(missing(task(mapreduce.Reduce, 1), 1, 1, 0), committed(mapreduce.Reduce, 0))
	other := again(mapreduce.Map, 0, 2)
	other.Digest = 99
	s.on(other, `end failed: not deterministic: map task 0 gave other output when it ran again (again-1) than the first time (w-1)`)
}

func TestRepairSurvivesItsLeader(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping, mapreduce.Reducing)...)
	s.play(mapreduce.Restored{Record: mapreduce.Record{
		Version: 1, UID: "u1", Job: "count", State: mapreduce.Reducing, Repair: &mapreduce.Repair{
			Generation: 2, Phase: mapreduce.Map, Tasks: mapreduce.RangesOf(0, 2), Partitions: mapreduce.RangesOf(1),
		},
	}})
	s.play(planned(3), committed(mapreduce.Map, 0), committed(mapreduce.Map, 1), committed(mapreduce.Map, 2))
	s.play(missing(task(mapreduce.Reduce, 1), 1, 1, 0, 2), again(mapreduce.Map, 0, 2), beat("w1"))
	s.wait(time.Second)
	s.on(mapreduce.Replayed{}, `
		make 4 lanes
		enqueue map.2.2
		enqueue reduce.0`)
	s.on(again(mapreduce.Map, 2, 2), `enqueue reduce.1`)
}

func TestOutputThatIsLostAgainAndAgainFailsTheJob(t *testing.T) {
	s := shuffling(t, coordinator.Config{MaxRepairs: 2})
	s.play(committed(mapreduce.Reduce, 0))
	for g := range mapreduce.Generation(2) {
		s.play(missing(task(mapreduce.Reduce, 1), uint32(g+1), g+1, 0), again(mapreduce.Map, 0, g+2))
	}
	s.on(missing(task(mapreduce.Reduce, 1), 9, 3, 0), `end failed: output was lost 2 times, the last time of map task 0`)
}

func TestLaneThatIsGoneIsMadeAgain(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	laneless := mapreduce.Failure{Version: 1, Task: task(mapreduce.Map, 0), Attempt: attempt("w1", 1), Laneless: true}
	s.on(laneless, `
		make 3 lanes
		enqueue map.0`)
}

// A finish decides and dies, what it read is lost, and the input was edited since: nobody can mend that.
func TestRepairThatFailsAfterTheDecisionFailsTheJob(t *testing.T) {
	s := shuffling(t, coordinator.Config{})
	s.play(committed(mapreduce.Reduce, 0), committed(mapreduce.Reduce, 1), done(), missing(task(mapreduce.Finish, 0), 1, 1, 1))
	again := failed(mapreduce.Reduce, 1, 9)
	again.Task.Generation, again.Permanent, again.Reason = 2, true, "input changed"
	s.on(again, `
		record failed input changed (when the output had been decided: it may have been published)
		tell u1 failed
		dismiss u1
		drop 4 lanes
		forget u1, whole: false
		record failed, swept`)
}

func TestMissingTasksThatDoNotExistAreIgnored(t *testing.T) {
	s := shuffling(t, coordinator.Config{})
	s.play(committed(mapreduce.Reduce, 0))
	s.on(missing(task(mapreduce.Reduce, 1), 1, 1, 7), `enqueue reduce.1`)
	nonsense := missing(task(mapreduce.Map, 1), 2, 1, 7)
	s.on(nonsense, ``) // the map is committed, and reads nothing
	late := again(mapreduce.Map, 7, 2)
	s.on(late, ``)
}

func TestReaderThatFoundEverythingAfterAllNeedsNoRepair(t *testing.T) {
	s := shuffling(t, coordinator.Config{})
	s.play(missing(task(mapreduce.Reduce, 1), 1, 1, 0))
	s.play(committed(mapreduce.Reduce, 1)) // by another attempt
	s.on(committed(mapreduce.Reduce, 0), `
		record finishing
		tell u1 finishing
		enqueue finish.0`)
}

// A standby that is too far behind in one bucket must not lead from what it kept of the other.
func TestReplicaThatCannotKeepUpSaysSo(t *testing.T) {
	var events []mapreduce.Event
	for n := range 1<<16 + 1 {
		c := committed(mapreduce.Map, n)
		c.Task.UID = "unknown"
		events = append(events, c)
	}
	p := &ports{events: events}
	replica := coordinator.NewReplica(coordinator.Config{}, coordinator.Surroundings{Feed: p, Now: time.Now})
	if err := replica.Follow(t.Context()); err == nil || errors.Is(err, errScriptEnds) {
		t.Errorf("it followed until %v", err)
	}
}
