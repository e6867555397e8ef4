package processtest_test

import (
	"testing"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// Promise: a task that takes much longer than the others gets another attempt elsewhere, the first commit counts, and the
// loser is told.
func TestStragglerIsOvertakenByACopy(t *testing.T) {
	t.Parallel()
	c, gate, lines := newCluster(t, false, 1), processtest.NewGate(t), processtest.Lines(61, 4, 100, 100)
	slow := c.Worker(1)
	run := c.Submit(gatedJob(t, "straggler", gate, lines))
	late := gate.AwaitAttempts(mapreduce.Map, 1, slow)[0].Name
	c.AwaitRunning(mapreduce.Map, 1)
	quick := c.Worker(1)
	for name := range others(gate, quick, late, len(lines)-1) {
		gate.Open(mapreduce.Map, name)
	}
	gate.AwaitAttempts(mapreduce.Map, len(lines), quick) // the copy is one of them
	gate.Open(mapreduce.Map, processtest.ByPid(late, quick.Pid()))
	gate.Open(mapreduce.Reduce)
	status := run.Done() // the first attempt never passes the gate
	checkResult(t, c.Machine, status, processtest.Count(lines))
	if a := status.Attempts; a.Speculative != 1 || a.Failed != 0 || a.Lost != 0 || a.Map != len(lines) {
		t.Errorf("attempts %+v", a)
	}
	if times := gate.Times(mapreduce.Map); times[late] != 2 {
		t.Errorf("maps began: %v, want %s twice", times, late)
	}
	c.AwaitIdle(slow)
}

// others yields the maps that a worker begins, one after another, but for one.
func others(gate *processtest.Gate, in *processtest.Process, but string, n int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := range n {
			if name := gate.AwaitAttempts(mapreduce.Map, i+1, in)[i].Name; name != but && !yield(name) {
				return
			}
		}
	}
}
