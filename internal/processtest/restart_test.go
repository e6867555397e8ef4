package processtest_test

import (
	"testing"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// Promise: everything may be killed at once; what was committed is not done again.
func TestAllKilledAtOnceChangesNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, hosting bool) {
		c, gate, lines := newCluster(t, hosting, 2), processtest.NewGate(t), processtest.Lines(10, 8, 100, 100)
		c.Worker(2)
		c.Worker(1)
		committed := []string{processtest.InputName(0), processtest.InputName(2), processtest.InputName(4)}
		gate.Open(mapreduce.Map, committed...)
		run := c.Submit(gatedJob(t, "killed", gate, lines))
		run.AwaitMaps(len(committed))
		awaitSettled(gate, len(committed), 3)
		c.KillAll()
		c.start(2)
		c.Worker(3)
		gate.Open(mapreduce.Map)
		gate.Open(mapreduce.Reduce)
		status := run.Done()
		checkResult(t, c.Machine, status, processtest.Count(lines))
		checkRanOnce(t, gate, committed)
		if status.Attempts.Map != len(lines) || status.Attempts.Failed != 0 {
			t.Errorf("attempts: %+v", status.Attempts)
		}
	})
}

// A job for which there was no worker yet is not lost either.
func TestJobThatNobodyWorkedOnWhenAllWereKilledIsDone(t *testing.T) {
	t.Parallel()
	c, lines := newCluster(t, false, 1), processtest.Lines(11, 4, 100, 100)
	run := c.Submit(mapreduce.Job{ID: "stored", Program: "wordcount", Inputs: processtest.WriteLines(t, lines)})
	run.AwaitState(mapreduce.Planning) // there is no worker yet
	c.KillAll()
	c.start(1)
	c.Worker(1)
	checkResult(t, c.Machine, run.Done(), processtest.Count(lines))
}

// Promise: the bus may be killed and started again.
func TestBusKilledInMappingChangesNothing(t *testing.T) {
	t.Parallel()
	c, gate, lines := newCluster(t, false, 2), processtest.NewGate(t), processtest.Lines(12, 8, 100, 100)
	c.Worker(2)
	committed := []string{processtest.InputName(0), processtest.InputName(2)}
	gate.Open(mapreduce.Map, committed...)
	run := c.Submit(gatedJob(t, "killed", gate, lines))
	run.AwaitMaps(len(committed))
	awaitSettled(gate, len(committed), 2)
	c.bus.Kill()
	gate.Open(mapreduce.Map) // attempts end while the bus is down
	c.Bus()
	gate.Open(mapreduce.Reduce)
	status := run.Done()
	checkResult(t, c.Machine, status, processtest.Count(lines))
	checkRanOnce(t, gate, committed)
	if status.Attempts.Failed != 0 {
		t.Errorf("%d attempts failed: it was the bus", status.Attempts.Failed)
	}
}
