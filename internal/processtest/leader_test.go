package processtest_test

import (
	"slices"
	"testing"
	"time"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// Promise: the result is exact when the leader is killed, in whatever state the job is, and whether or not it hosts the
// bus; what was committed does not run again.
func TestLeaderKilledInPlanningChangesNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, hosting bool) {
		c, gate, lines := newCluster(t, hosting, 2), processtest.NewGate(t), processtest.Lines(5, 4, 100, 100)
		worker := c.Worker(2)
		run := c.Submit(mapreduce.Job{ID: "first", Program: "wordcount", Inputs: processtest.WriteLines(t, lines[:1])})
		run.Done()     // the leader knows the worker
		worker.Pause() // so that the plan is not made
		gate.Open(mapreduce.Map)
		gate.Open(mapreduce.Reduce)
		run = c.Submit(gatedJob(t, "killed", gate, lines))
		run.AwaitState(mapreduce.Planning)
		c.leader().Kill()
		worker.Resume()
		checkSuccessor(t, c, "killed", mapreduce.Mapping, mapreduce.Done)
		checkResult(t, c.Machine, run.Done(), processtest.Count(lines))
	})
}

// checkSuccessor makes sure that the second coordinator took the job into these states: the kill was not too late.
func checkSuccessor(t *testing.T, c *cluster, job mapreduce.JobID, states ...mapreduce.State) {
	t.Helper()
	for _, state := range states {
		said := entered(job, state)
		said.By = c.coordinators[1]
		c.Await(0, said)
	}
}

// entered is what a leader says when it takes a job into a state.
func entered(job mapreduce.JobID, state mapreduce.State) processtest.Said {
	return processtest.Said{Message: "job enters a state", Fields: map[string]string{"job": string(job), "state": string(state)}}
}

func TestLeaderKilledInMappingChangesNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, hosting bool) {
		c, gate, lines := newCluster(t, hosting, 2), processtest.NewGate(t), processtest.Lines(6, 8, 100, 100)
		c.Worker(2)
		committed := []string{processtest.InputName(0), processtest.InputName(2), processtest.InputName(3)}
		gate.Open(mapreduce.Map, committed...)
		run := c.Submit(gatedJob(t, "killed", gate, lines))
		run.AwaitMaps(len(committed))
		awaitSettled(gate, len(committed), 2)
		c.leader().Kill()
		gate.Open(mapreduce.Map)
		gate.Open(mapreduce.Reduce)
		checkSuccessor(t, c, "killed", mapreduce.Reducing, mapreduce.Done)
		status := run.Done()
		checkResult(t, c.Machine, status, processtest.Count(lines))
		checkRanOnce(t, gate, committed)
		if status.Attempts.Failed != 0 || status.Attempts.Map != len(lines) {
			t.Errorf("attempts: %+v", status.Attempts)
		}
	})
}

// awaitSettled waits until the queue knows of so many maps that they are done: then each slot has begun another. One that is committed
// and not settled may be handed out again, for nothing.
func awaitSettled(gate *processtest.Gate, maps, slots int) {
	gate.AwaitAttempts(mapreduce.Map, maps+slots, nil)
}

// checkRanOnce makes sure that these maps began once.
func checkRanOnce(t *testing.T, gate *processtest.Gate, names []string) {
	t.Helper()
	times := gate.Times(mapreduce.Map)
	for _, name := range names {
		if times[name] != 1 {
			t.Errorf("map %s ran %d times: it was committed the first time", name, times[name])
		}
	}
	t.Logf("maps began: %v", times)
}

func TestLeaderKilledInReducingChangesNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, hosting bool) {
		c, gate, lines := newCluster(t, hosting, 2), processtest.NewGate(t), processtest.Lines(7, 6, 100, 100)
		c.Worker(2)
		gate.Open(mapreduce.Map)
		run := c.Submit(gatedJob(t, "killed", gate, lines))
		gate.AwaitAttempts(mapreduce.Reduce, 2, nil)
		c.leader().Kill()
		gate.Open(mapreduce.Reduce)
		checkSuccessor(t, c, "killed", mapreduce.Finishing, mapreduce.Done)
		checkResult(t, c.Machine, run.Done(), processtest.Count(lines))
		var all []string
		for i := range lines {
			all = append(all, processtest.InputName(i))
		}
		checkRanOnce(t, gate, all)
	})
}

func TestLeaderKilledInFinishingChangesNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, hosting bool) {
		c, lines := newCluster(t, hosting, 2), processtest.Lines(8, 4, 6_000, 1_000)
		c.Worker(2)
		run := c.Submit(paddedJob(t, "killed", lines))
		run.AwaitState(mapreduce.Finishing)
		c.leader().Kill()
		checkSuccessor(t, c, "killed", mapreduce.Done)
		checkResult(t, c.Machine, run.Done(), pad(processtest.Count(lines)))
	})
}

// Promise: a leader that was paused past its lease finds that another leads, and stands by.
func TestPausedLeaderStandsByAgain(t *testing.T) {
	t.Parallel()
	c, gate, lines := newCluster(t, false, 2), processtest.NewGate(t), processtest.Lines(21, 4, 100, 100)
	c.Worker(2)
	run := c.Submit(gatedJob(t, "paused", gate, lines))
	gate.AwaitAttempts(mapreduce.Map, 2, nil)
	old, next := c.coordinators[0], c.coordinators[1]
	old.Pause()
	next.Await("decides")
	gate.Open(mapreduce.Map, processtest.InputName(0)) // there is something to decide
	run.AwaitMaps(1)
	old.Resume()
	old.Await("deposed")
	c.Await(0, processtest.Said{Message: "stands by", By: old})
	gate.Open(mapreduce.Map)
	gate.Open(mapreduce.Reduce)
	checkResult(t, c.Machine, run.Done(), processtest.Count(lines))
	checkSuccessor(t, c, "paused", mapreduce.Reducing, mapreduce.Finishing, mapreduce.Done)
	next.Kill() // and it may lead again
	c.Await(c.Mark(), processtest.Said{Message: "decides", By: old})
}

// Promise: a leader that is told to stop gives the lease back, and the next one need not wait until it is silent.
func TestStoppedLeaderGivesTheLeaseBack(t *testing.T) {
	c := newCluster(t, false, 2)
	c.Await(0, processtest.Said{Message: "stands by", By: c.coordinators[1]})
	mark := c.Mark()
	stopped := c.leader().Stop()
	taken := c.Await(mark, processtest.Said{Message: "takes over", By: c.coordinators[1]})
	took := c.Await(mark, processtest.Said{Message: "decides", By: c.coordinators[1]}).At.Sub(stopped)
	t.Logf("from SIGTERM to decision: %s", took.Round(time.Millisecond))
	c.Await(mark, processtest.Said{Message: "lease released", By: c.leader()})
	if taken.Fields["released"] != true {
		t.Errorf("%s: it waited for silence", taken)
	}
}

// Promise: after the leader was killed the next one decides within 2 s, also when it has to host the bus first.
func TestNextLeaderDecidesWithinTwoSeconds(t *testing.T) {
	for name, hosting := range map[string]bool{"separate bus": false, "hosted bus": true} {
		t.Run(name, func(t *testing.T) {
			const kills = 5
			c, gate, lines := newCluster(t, hosting, kills+1), processtest.NewGate(t), processtest.Lines(9, 4, 100, 100)
			c.Worker(2)
			run := c.Submit(gatedJob(t, "long", gate, lines))
			gate.AwaitAttempts(mapreduce.Map, 2, nil)
			took := killLeaders(c, kills)
			gate.Open(mapreduce.Map)
			gate.Open(mapreduce.Reduce)
			checkResult(t, c.Machine, run.Done(), processtest.Count(lines))
			t.Logf("from kill to decision: %v", took)
			slices.Sort(took)
			if median := took[kills/2]; median > 2*time.Second {
				t.Errorf("the median is %s, want 2 s at most", median)
			}
		})
	}
}

// killLeaders kills one leader after the other, and returns how long it took until the next one decided.
func killLeaders(c *cluster, kills int) (took []time.Duration) {
	leader := c.leader()
	for range kills {
		mark := c.Mark()
		killed := leader.Kill()
		line := c.Await(mark, processtest.Said{Message: "decides"})
		took, leader = append(took, line.At.Sub(killed).Round(time.Millisecond)), line.Process
	}
	return took
}
