package processtest_test

import (
	"slices"
	"testing"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// Promise: a job under as many kills as half its tasks finishes, and a kill wastes what the victim had under way at most. That is, for
// each of its slots, two executions: one that runs, and the one before, which is being committed and settled; and three losses, since
// the slot may hold a task besides that it has not begun. Its slot for plans and finishes settles one before it takes another, and holds
// none. Copies of stragglers are counted apart.
func TestKillWastesTwoExecutionsASlotAtMost(t *testing.T) {
	const tasks, kills, workers, slots = 60, 30, 4, 1
	const wasted, lost = kills * 2 * slots, kills * (3*slots + 1)
	c, gate, lines := newCluster(t, false, 1), processtest.NewGate(t), processtest.Lines(26, tasks, 50, 100)
	gate.Open(mapreduce.Map)
	gate.Open(mapreduce.Reduce)
	var alive []*processtest.Process
	for range workers {
		alive = append(alive, c.Worker(slots))
	}
	job := gatedJob(t, "killed", gate, lines)
	job.Program, job.Args["each"] = "slow", "100ms"
	run := c.Submit(job)
	for range kills {
		victim := awaitBusy(t, gate, alive)
		alive[victim].Kill()
		alive[victim] = c.Worker(slots)
	}
	status := run.Done()
	checkResult(t, c.Machine, status, processtest.Count(lines))
	a, ran := status.Attempts, began(gate)
	t.Logf("%d tasks, %d kills: %d maps began, attempts %+v", tasks, kills, ran, a)
	if most := tasks + wasted + a.Speculative; ran > most || a.Map != tasks || a.Failed != 0 || a.Lost > lost {
		t.Errorf("%d maps began and attempts are %+v: want at most %d, %d maps, none failed, at most %d lost", ran, a, most, tasks, lost)
	}
}

// began is how many attempts of maps have begun.
func began(gate *processtest.Gate) (all int) {
	for _, times := range gate.Times(mapreduce.Map) {
		all += times
	}
	return all
}

// awaitBusy waits until one of the processes has begun a map, and returns which.
func awaitBusy(t *testing.T, gate *processtest.Gate, alive []*processtest.Process) (found int) {
	t.Helper()
	processtest.AwaitTrue(t, "a map in a worker that lives", func() bool {
		busy := map[int]bool{}
		for _, b := range gate.Ran() {
			busy[b.Pid] = busy[b.Pid] || b.Phase == mapreduce.Map
		}
		found = slices.IndexFunc(alive, func(p *processtest.Process) bool { return busy[p.Pid()] })
		return found >= 0
	})
	return found
}
