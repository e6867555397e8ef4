package processtest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/bus"
	"jetreduce/client"
	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// Promise: the same id with the same description is the same job.
func TestSubmittedTwiceIsOneJob(t *testing.T) {
	t.Parallel()
	c, gate, lines := newCluster(t, false, 1), processtest.NewGate(t), processtest.Lines(13, 3, 100, 100)
	c.Worker(2)
	job := gatedJob(t, "twice", gate, lines)
	first := c.Submit(job)
	gate.AwaitAttempts(mapreduce.Map, 2, nil)
	second := c.Submit(job)
	uid := second.AwaitState(mapreduce.Mapping).UID
	gate.Open(mapreduce.Map)
	gate.Open(mapreduce.Reduce)
	if a, b := first.Done(), second.Done(); a.UID != b.UID || a.UID != uid {
		t.Errorf("two jobs: %s, %s and %s", a.UID, b.UID, uid)
	}
	third := c.Submit(job).Done()
	checkResult(t, c.Machine, third, processtest.Count(lines))
	for name, times := range gate.Times(mapreduce.Map) {
		if times != 1 {
			t.Errorf("map %s ran %d times", name, times)
		}
	}
}

func TestSameIDWithAnotherDescriptionIsRefused(t *testing.T) {
	t.Parallel()
	c, lines := newCluster(t, false, 1), processtest.Lines(14, 2, 100, 100)
	c.Worker(1)
	job := mapreduce.Job{ID: "taken", Program: "wordcount", Inputs: processtest.WriteLines(t, lines)}
	first := c.Submit(job).Done()
	job.Program = "count"
	var refusal client.Rejected
	if status, err := c.Submit(job).End(); !errors.As(err, &refusal) {
		t.Errorf("it was taken up: %+v, %v", status, err)
	}
	checkResult(t, c.Machine, first, processtest.Count(lines))
}

// Promise: what a zombie of a removed job does changes nothing about the next job of that id, and leaves nothing behind.
func TestZombieOfARemovedJobLeavesNothing(t *testing.T) {
	t.Parallel()
	c, gate := newCluster(t, false, 1), processtest.NewGate(t)
	lines := processtest.Lines(16, 3, 100, 100)
	zombie := c.Worker(1)
	run := c.Submit(gatedJob(t, "again", gate, processtest.Lines(15, 3, 100, 100)))
	gate.AwaitAttempts(mapreduce.Map, 1, zombie)
	c.AwaitRunning(mapreduce.Map, 1)
	zombie.Pause()
	gate.Open(mapreduce.Map)
	gate.Open(mapreduce.Reduce)
	c.Worker(2)
	first := run.Done()
	remove(t, c, "again")
	second := c.Submit(gatedJob(t, "again", gate, lines)).Done()
	zombie.Resume()
	c.AwaitIdle(zombie)
	// What the zombie records late is swept by the leader, a moment later.
	processtest.AwaitTrue(t, "nothing but its tombstone to be left of the removed job", func() bool {
		return cmp.Equal(tombstone(first.UID), remains(t, c.Machine, first.UID))
	})
	checkResult(t, c.Machine, second, processtest.Count(lines))
	if got, found := content(t, c.Machine, "again"); !found || got != processtest.Count(lines) {
		t.Errorf("under the job's id there is %.100q (%t)", got, found)
	}
}

func remove(t *testing.T, c *cluster, job mapreduce.JobID) {
	t.Helper()
	if _, err := processtest.Ask(c.Machine, func(ctx context.Context, desk *bus.Desk) (*mapreduce.Status, error) {
		return desk.Remove(ctx, job)
	}); err != nil {
		t.Fatal(err)
	}
}

// tombstone is what stays of a removed job, so that whatever comes late is known to be dead: its last state and its end.
func tombstone(uid mapreduce.UID) []string {
	return []string{
		fmt.Sprintf("$KV.jetreduce-commits.%s.end", uid), fmt.Sprintf("$KV.jetreduce-state.job.%s.%s", uid, mapreduce.Removed),
	}
}
