package coordinator_test

import (
	"fmt"
	"testing"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

func TestEachStateIsRecordedBeforeAnythingIsDoneAboutIt(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.on(submitted(1, count()), `
		record queued
		record planning
		tell u1 planning
		enqueue plan.0
		accept 1`)
	s.on(planned(2), `
		record mapping
		tell u1 mapping
		make 3 lanes
		enqueue map.0 map.1`)
	s.on(committed(mapreduce.Map, 1), ``)
	s.on(committed(mapreduce.Map, 0), `
		record reducing
		tell u1 reducing
		enqueue reduce.0 reduce.1`)
	s.on(committed(mapreduce.Reduce, 0), ``)
	s.on(committed(mapreduce.Reduce, 1), `
		record finishing
		tell u1 finishing
		enqueue finish.0`)
	s.on(done(), ``)
	s.on(committed(mapreduce.Finish, 0), `
		record done
		tell u1 done
		dismiss u1
		drop 3 lanes
		forget u1, whole: false
		record done, swept`)
}

func TestEmptyPlanGoesStraightToReduce(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(submitted(1, count()))
	empty := planned(0)
	empty.Plan.Firsts = nil
	s.on(empty, `
		record mapping
		tell u1 mapping
		make 3 lanes
		record reducing
		tell u1 reducing
		enqueue reduce.0 reduce.1`)
}

func TestUnreadablePlanFailsTheJob(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(submitted(1, count()))
	s.on(committed(mapreduce.Plan, 0), `end failed: the committed plan of w-1 cannot be read`)
}

func TestCommitThatComesAgainIsOne(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 2)
	s.on(committed(mapreduce.Map, 0), ``)
	s.on(committed(mapreduce.Map, 0), ``)
	s.on(planned(2), ``)
	s.on(committed(mapreduce.Map, 1), `
		record reducing
		tell u1 reducing
		enqueue reduce.0 reduce.1`)
}

func TestRecordsOfAnotherGenerationCountForNothing(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	stale := committed(mapreduce.Map, 0)
	stale.Task.Generation = 2
	s.on(stale, ``)
	s.on(mapreduce.Commit{Task: mapreduce.TaskID{UID: "u9", Phase: mapreduce.Map, Generation: 1}}, ``)
}

// mapping is a scene in which job u1 maps so many splits, all in the queue as far as the window goes.
func mapping(t *testing.T, config coordinator.Config, splits int) *scene {
	s := leading(t, config)
	s.play(submitted(1, count()), planned(splits))
	return s
}

// finishing is a scene in which only the finish of job u1 is left.
func finishing(t *testing.T) *scene {
	s := mapping(t, coordinator.Config{}, 1)
	s.play(committed(mapreduce.Map, 0), committed(mapreduce.Reduce, 0), committed(mapreduce.Reduce, 1))
	return s
}

func TestSmallRosterTravelsInTheTask(t *testing.T) {
	commands := reducing(t, coordinator.Config{})
	tasks := commands[len(commands)-1].(coordinator.Enqueue).Tasks
	roster, err := mapreduce.DecodeRoster(tasks[0].Roster.Inline)
	if err != nil {
		t.Fatal(err)
	}
	if roster[1] != attempt("w", 2) {
		t.Errorf("winner of map 1 is %s", roster[1])
	}
}

func TestLargeRosterIsStoredBeforeItsReadersAreQueued(t *testing.T) {
	var got []string
	for _, command := range reducing(t, coordinator.Config{RosterInline: 1}) {
		got = append(got, shown(command))
	}
	want := "[record reducing tell u1 reducing store roster of map enqueue reduce.0 reduce.1]"
	if fmt.Sprint(got) != want {
		t.Errorf("commanded %v, wanted %s", got, want)
	}
}

// reducing returns what is commanded when the last of two maps is committed.
func reducing(t *testing.T, config coordinator.Config) []coordinator.Command {
	s := mapping(t, config, 2)
	s.play(committed(mapreduce.Map, 0))
	return s.state.Step(s.now, committed(mapreduce.Map, 1))
}

func TestNoMoreThanAWindowIsQueued(t *testing.T) {
	s := leading(t, coordinator.Config{MinWindow: 2})
	s.play(submitted(1, count()))
	s.on(planned(9), `
		record mapping
		tell u1 mapping
		make 3 lanes
		enqueue map.0 map.1`)
	s.on(committed(mapreduce.Map, 1), `enqueue map.2`)
	s.on(beat("w1"), `enqueue map.3`) // one slot: a window of three
}

func TestMapTaskRefersToItsSplitInThePlanThatWon(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(submitted(1, count()))
	plan := planned(3)
	plan.Plan.Firsts = []int{0, 2}
	commands := s.state.Step(s.now, plan)
	tasks := commands[len(commands)-1].(coordinator.Enqueue).Tasks
	want := mapreduce.PlanRef{Plan: task(mapreduce.Plan, 0), Attempt: attempt("w", 1), Chunk: 1, Index: 0}
	if *tasks[2].Split != want || tasks[2].Reduces != 2 {
		t.Errorf("map 2 reads %+v for %d reduces, wanted %+v for 2", *tasks[2].Split, tasks[2].Reduces, want)
	}
}
