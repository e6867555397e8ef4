package processtest_test

import (
	"maps"
	"testing"
	"time"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// Promise: the result is exact when a worker is killed, whatever it was doing.
func TestWorkerKilledInMapChangesNothing(t *testing.T) {
	t.Parallel()
	c, gate, lines := newCluster(t, false, 1), processtest.NewGate(t), processtest.Lines(1, 6, 200, 300)
	victim := c.Worker(2)
	run := c.Submit(gatedJob(t, "killed", gate, lines))
	hit := gate.AwaitAttempts(mapreduce.Map, 2, victim)
	c.AwaitRunning(mapreduce.Map, 2)
	victim.Kill()
	c.Worker(2)
	gate.Open(mapreduce.Map)
	gate.Open(mapreduce.Reduce)
	status := run.Done()
	checkResult(t, c.Machine, status, processtest.Count(lines))
	// With free slots beside, a dead worker's task may look like a straggler, and be overtaken before it counts as lost.
	if a := status.Attempts; a.Lost+a.Speculative < len(hit) || a.Lost > len(hit) || a.Failed != 0 {
		t.Errorf("attempts %+v: want the %d of the victim lost or overtaken, and none failed", a, len(hit))
	}
	for name, times := range gate.Times(mapreduce.Map) {
		if want := 1 + count(hit, name); times != want {
			t.Errorf("map %s ran %d times, want %d", name, times, want)
		}
	}
}

func count(began []processtest.Began, name string) int {
	n := 0
	for _, b := range began {
		if b.Name == name {
			n++
		}
	}
	return n
}

func TestWorkerKilledInReduceChangesNothing(t *testing.T) {
	t.Parallel()
	c, gate, lines := newCluster(t, false, 1), processtest.NewGate(t), processtest.Lines(2, 6, 200, 300)
	victim := c.Worker(2)
	gate.Open(mapreduce.Map)
	run := c.Submit(gatedJob(t, "killed", gate, lines))
	gate.AwaitAttempts(mapreduce.Reduce, 2, victim)
	c.AwaitRunning(mapreduce.Reduce, 2)
	victim.Kill()
	survivor := c.Worker(2)
	gate.Open(mapreduce.Reduce)
	status := run.Done()
	checkResult(t, c.Machine, status, processtest.Count(lines))
	if again := gate.AwaitAttempts(mapreduce.Reduce, 2, survivor); len(again) != 2 {
		t.Errorf("the survivor ran %v", again)
	}
	for name, times := range gate.Times(mapreduce.Map) {
		if times != 1 {
			t.Errorf("map %s ran %d times: its runs were there", name, times)
		}
	}
}

// The worker is paused in the middle of finish, and killed when that is certain.
func TestWorkerKilledInFinishChangesNothing(t *testing.T) {
	t.Parallel()
	c, lines := newCluster(t, false, 1), processtest.Lines(3, 4, 6_000, 1_000)
	victim := c.Worker(2)
	run := c.Submit(paddedJob(t, "large", lines))
	uid := run.AwaitState(mapreduce.Finishing).UID
	c.AwaitRunning(mapreduce.Finish, 1)
	victim.Pause()
	if keys := commits(t, c.Machine, uid, mapreduce.Finish); len(keys) > 0 {
		t.Fatalf("finish was faster than the test: %v; make the result larger", keys)
	}
	victim.Kill()
	c.Worker(2)
	status := run.Done()
	checkResult(t, c.Machine, status, pad(processtest.Count(lines)))
	if status.Attempts.Lost != 1 {
		t.Errorf("%d attempts are lost, want that of finish", status.Attempts.Lost)
	}
}

// Promise: a dead worker's tasks are handed on when its heartbeats stop, long before the ack deadline.
func TestTasksOfAKilledWorkerAreHandedOnAtOnce(t *testing.T) {
	c, gate, lines := newCluster(t, false, 1), processtest.NewGate(t), processtest.Lines(4, 4, 100, 100)
	victim := c.Worker(2)
	run := c.Submit(gatedJob(t, "handed-on", gate, lines))
	gate.AwaitAttempts(mapreduce.Map, 2, victim)
	survivor := c.Worker(2)
	gate.AwaitAttempts(mapreduce.Map, 2, survivor)
	c.AwaitRunning(mapreduce.Map, 4)
	killed := victim.Kill()
	gate.Open(mapreduce.Map)
	gate.Open(mapreduce.Reduce)
	status := run.Done()
	took := time.Since(killed)
	t.Logf("the job ended %s after the worker was killed", took.Round(time.Millisecond))
	checkResult(t, c.Machine, status, processtest.Count(lines))
	if took > 15*time.Second {
		t.Errorf("the job ended %s after a worker was killed: that is the ack deadline, not the missed heartbeats", took)
	}
}

// Promise: a worker that is told to stop hands its tasks back at once, and nobody is charged for that.
func TestStoppedWorkerHandsItsTasksBack(t *testing.T) {
	t.Parallel()
	c, gate, lines := newCluster(t, false, 1), processtest.NewGate(t), processtest.Lines(22, 2, 100, 100)
	leaver := c.Worker(2)
	run := c.Submit(gatedJob(t, "stopped", gate, lines))
	gate.AwaitAttempts(mapreduce.Map, 2, leaver)
	heir := c.Worker(2)
	stopped := leaver.Stop()
	gate.AwaitAttempts(mapreduce.Map, 2, heir)
	took := time.Since(stopped)
	t.Logf("from SIGTERM to the next attempts: %s", took.Round(time.Millisecond))
	gate.Open(mapreduce.Map)
	gate.Open(mapreduce.Reduce)
	status := run.Done()
	checkResult(t, c.Machine, status, processtest.Count(lines))
	if status.Attempts.Lost != 0 || status.Attempts.Failed != 0 {
		t.Errorf("attempts %+v: to hand a task back is no failure", status.Attempts)
	}
	if took > 15*time.Second {
		t.Errorf("the next attempts began %s after a worker was told to stop: that is the ack deadline", took)
	}
}

// Promise: a worker that was paused past its deadline changes nothing when it goes on: its task is committed already.
func TestPausedWorkerComesTooLate(t *testing.T) {
	t.Parallel()
	c, gate, lines := newCluster(t, false, 1), processtest.NewGate(t), processtest.Lines(23, 3, 100, 100)
	zombie := c.Worker(1)
	run := c.Submit(gatedJob(t, "paused", gate, lines))
	late := gate.AwaitAttempts(mapreduce.Map, 1, zombie)[0].Name
	c.AwaitRunning(mapreduce.Map, 1)
	zombie.Pause()
	gate.Open(mapreduce.Map, late)
	gate.AwaitAttempts(mapreduce.Map, 3, c.Worker(3))
	uid := run.AwaitMaps(1).UID
	before := commits(t, c.Machine, uid, mapreduce.Map)
	zombie.Resume()
	c.AwaitIdle(zombie)
	if after := commits(t, c.Machine, uid, mapreduce.Map); len(before) != 1 || !maps.Equal(before, after) {
		t.Errorf("committed before it came back: %v, after: %v", before, after)
	}
	gate.Open(mapreduce.Map)
	gate.Open(mapreduce.Reduce)
	status := run.Done()
	checkResult(t, c.Machine, status, processtest.Count(lines))
	if times := gate.Times(mapreduce.Map); times[late] != 2 || status.Attempts.Map != len(lines) || status.Attempts.Lost != 1 {
		t.Errorf("maps began: %v, attempts: %+v", times, status.Attempts)
	}
}
