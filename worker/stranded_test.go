package worker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// awayRuns is lanes of which those of the first generation are out of reach.
type awayRuns struct {
	Runs
	away bool
}

func (r *awayRuns) Publisher(ctx context.Context) (push func(mapreduce.Lane, []byte) error, flush func() error) {
	inner, flush := r.Runs.Publisher(ctx)
	return func(lane mapreduce.Lane, chunk []byte) error {
		if r.away && lane.Generation == 1 {
			return fmt.Errorf("no server has %s: %w", lane, mapreduce.ErrRunsLost)
		}
		return inner(lane, chunk)
	}, flush
}

// A leader that has just taken over does not know of what its predecessor queued. Tried one after the other, that takes minutes.
func TestTasksWhoseLanesAreOutOfReachForLongAreGivenUpUntriedOnce(t *testing.T) {
	s := newSurroundings()
	tasks := planned(t, s, "wordcount", "a", "b", "c", "d")
	w := s.worker(t)
	runs := &awayRuns{Runs: w.Runs, away: true}
	w.Runs = runs
	tried := func(task mapreduce.Task) bool {
		s.failures = nil
		w.attempt(t.Context(), delivery(task))
		if len(s.failures) > 0 && !s.failures[0].Laneless {
			t.Errorf("map %d failed: %+v", task.ID.N, s.failures)
		}
		return !slices.ContainsFunc(s.failures, func(f mapreduce.Failure) bool { return strings.Contains(f.Reason, "for other tasks") })
	}
	check := func(what string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: tried %t", what, got)
		}
	}
	check("the first", tried(tasks[0]), true)
	w.stranded.lanes[lanesOf(tasks[0])].since = time.Now().Add(time.Hour) // this machine may have paused
	check("another, at once", tried(tasks[1]), true)
	w.stranded.lanes[lanesOf(tasks[0])].since = time.Now().Add(-strandedWait)
	check("another, later", tried(tasks[2]), false)
	check("the same again", tried(tasks[2]), true)
	moved := tasks[3]
	moved.Moves = []mapreduce.Move{{Generation: 2, Partitions: mapreduce.RangesOf(0, 1)}}
	check("on other lanes", tried(moved), true)
	runs.away = false
	check("the first, when they are back", tried(tasks[0]), true)
	check("all after that", tried(tasks[3]), true)
}

// Lanes of many jobs may be out of reach. What is known is bounded, and those that are still noted stay known.
func TestLanesThatAreOutOfReachAreRememberedUntilTooManyAre(t *testing.T) {
	var s stranded
	of := func(n int) mapreduce.Task {
		return mapreduce.Task{ID: mapreduce.TaskID{UID: mapreduce.UID(fmt.Sprint("u", n)), Phase: mapreduce.Map}}
	}
	for n := range strandedKnown {
		s.note(of(n))
	}
	last := lanesOf(of(strandedKnown - 1))
	since := s.lanes[last].since
	s.note(of(strandedKnown - 1))
	if len(s.lanes) != strandedKnown || s.lanes[last] == nil || !s.lanes[last].since.Equal(since) {
		t.Errorf("%d are remembered, and the last is forgotten when it is noted again", len(s.lanes))
	}
	if s.note(of(strandedKnown)); len(s.lanes) > strandedKnown {
		t.Errorf("%d are remembered", len(s.lanes))
	}
}
