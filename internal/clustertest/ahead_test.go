package clustertest_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"jetreduce/internal/clustertest"
	"jetreduce/mapreduce"
)

// Slots whose tasks are short ask ahead and commit aside: whoever dies or stalls then, at whatever point, also with a task that it
// holds, each task is still won by one, and the result is what it would have been.
func TestTasksTakenAheadCountOnceWhoeverDies(t *testing.T) {
	for _, hit := range []struct {
		phase mapreduce.Phase
		point clustertest.Point
	}{
		{mapreduce.Map, clustertest.Held}, {mapreduce.Map, clustertest.Committed}, {mapreduce.Reduce, clustertest.Committed},
	} {
		for _, dies := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%s/dies=%t", hit.phase, hit.point, dies), func(t *testing.T) {
				t.Parallel()
				hitBusyAndCompare(t, clustertest.NewFault(hit.phase, hit.point, dies))
			})
		}
	}
}

// hitBusyAndCompare is hitAndCompare with so many tasks that each slot has several, whenever the fault strikes.
func hitBusyAndCompare(t *testing.T, fault *clustertest.Fault) {
	const maps, reduces = 30, 10
	cluster := clustertest.Cluster{Workers: 2, Refit: fault.Refit, Programs: []mapreduce.Program{short(fault)}}
	status, got := cluster.Run(t, mapreduce.Job{
		Program: "short", Inputs: clustertest.WriteFiles(t, strings.Repeat("a b c\n", maps)), SplitSize: 1, Reduces: reduces,
	})
	done(t, status)
	if want := "a\t30\nb\t30\nc\t30\n"; got != want || status.Maps.Total != maps {
		t.Errorf("%d maps gave %q, want %d and %q", status.Maps.Total, got, maps, want)
	}
	checkStruck(t, fault)
	taken, _ := fault.TakenAhead()
	if t.Logf("%d of %d tasks were taken ahead", taken, maps+reduces); taken == 0 {
		t.Error("no slot was given anything that it had asked for ahead: this test tested nothing")
	}
	if status.Attempts.Failed != 0 {
		t.Errorf("%d attempts count as failed: a worker that dies is no failure of the program", status.Attempts.Failed)
	}
}

// short is a word count whose first maps take a moment, and the others until some slot has been given a task ahead, so that one is;
// a slot may ask in vain, though, and then they end too.
func short(fault *clustertest.Fault) mapreduce.Program {
	const first = 8 // enough for a slot to ask, also when a worker has died over some
	var begun atomic.Int32
	return clustertest.Slow("short", func(ctx context.Context, _ mapreduce.Batch) error {
		lasts(ctx, 5*time.Millisecond, nil)
		if begun.Add(1) > first {
			_, taken := fault.TakenAhead()
			lasts(ctx, 500*time.Millisecond, taken)
		}
		return ctx.Err()
	})
}

// lasts waits for so long, or until something has happened.
func lasts(ctx context.Context, most time.Duration, until <-chan struct{}) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-until:
	case <-ctx.Done():
	}
}
