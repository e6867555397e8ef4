package processtest_test

import (
	"testing"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// Promise: workers and coordinators may be restarted one after the other during a job, in either phase; the result is exact, and no
// attempt fails or is lost.
func TestRollingRestartLosesNoAttempt(t *testing.T) {
	t.Parallel()
	const maps, held, workers = 60, 4, 3
	c, gate, lines := newCluster(t, false, 1), processtest.NewGate(t), processtest.Lines(200, maps, 50, 100)
	c.coordinators = append(c.coordinators, c.Backup())
	var crew []*processtest.Process
	for range workers {
		crew = append(crew, c.Worker(2))
	}
	for i := range maps - held {
		gate.Open(mapreduce.Map, processtest.InputName(i))
	}
	run := c.Submit(slowJob(t, "rolled", gate, lines))
	run.AwaitMaps(held)
	restartWorkers(gate, c, crew, mapreduce.Map)
	restartCoordinators(c)
	gate.Open(mapreduce.Map)
	gate.AwaitAttempts(mapreduce.Reduce, 2, nil)
	restartWorkers(gate, c, crew, "")
	restartCoordinators(c)
	gate.Open(mapreduce.Reduce)
	checkNothingLost(t, c, run, lines)
}

// restartWorkers restarts one worker after the other. In a phase of which there is something for each, it waits until the new one works
// on it.
func restartWorkers(gate *processtest.Gate, c *cluster, crew []*processtest.Process, phase mapreduce.Phase) {
	for i, old := range crew {
		old.Stop()
		crew[i] = c.Worker(2)
		if phase != "" {
			gate.AwaitAttempts(phase, 1, crew[i])
		}
	}
}

// restartCoordinators restarts the leader, and then the one that followed it.
func restartCoordinators(c *cluster) {
	for range 2 {
		mark := c.Mark()
		c.leader().Stop()
		next := c.coordinators[1]
		c.Await(mark, processtest.Said{Message: "decides", By: next})
		again := c.Backup()
		again.Await("stands by")
		c.coordinators = []*processtest.Process{next, again}
	}
}

// Promise: the bus may be restarted during a job; the result is exact, and no attempt fails or is lost.
func TestRestartOfTheBusLosesNoAttempt(t *testing.T) {
	t.Parallel()
	const maps, held, restarts = 30, 4, 2
	c, gate, lines := newCluster(t, false, 2), processtest.NewGate(t), processtest.Lines(201, maps, 50, 100)
	c.Worker(2)
	c.Worker(2)
	for i := range maps - held {
		gate.Open(mapreduce.Map, processtest.InputName(i))
	}
	run := c.Submit(slowJob(t, "restarted", gate, lines))
	for restart := range restarts {
		run.AwaitMaps(5 * (restart + 1))
		c.bus.Stop()
		c.bus = c.Bus()
	}
	gate.Open(mapreduce.Map)
	gate.Open(mapreduce.Reduce)
	checkNothingLost(t, c, run, lines)
}
