package processtest_test

import (
	"maps"
	"strings"
	"testing"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// Promise: a job of commands is exact when workers are killed in a map and in a reduce, and the leader between them; the shells of a
// worker that is killed end with it, while their gate is closed; and what counts is what was committed: not the attempt that has failed,
// nor those that were lost.
func TestKilledProcessesChangeNothingOfAJobOfCommands(t *testing.T) {
	t.Parallel()
	c, h, lines := newCluster(t, false, 2), newHeld(t), processtest.Lines(31, 6, 200, 300)
	job := h.job(t, lines)
	first := c.Worker(2, "--allow-exec")
	run := c.Submit(job)
	h.gate.AwaitAttempts(mapreduce.Map, 2, first)
	c.AwaitRunning(mapreduce.Map, 2)
	checkMarked(t, job.ID)
	c.leader().Kill()
	first.Kill()
	awaitNoneMarked(t, job.ID)
	second := c.Worker(2, "--allow-exec")
	h.gate.Open(mapreduce.Map)
	h.gate.AwaitAttempts(mapreduce.Reduce, 2, second)
	second.Kill()
	awaitNoneMarked(t, job.ID)
	c.Worker(2, "--allow-exec")
	h.gate.Open(mapreduce.Reduce)
	checkSuccessor(t, c, job.ID, mapreduce.Reducing, mapreduce.Done)
	status := run.Done()
	awaitNoneMarked(t, job.ID)
	checkResult(t, c.Machine, status, processtest.Count(lines))
	checkCounters(t, status, lines)
}

// checkMarked makes sure that shells that wait are found: else nothing is proved when none is.
func checkMarked(t *testing.T, job mapreduce.JobID) {
	t.Helper()
	if found := marked(t, job); len(found) < 2 {
		t.Fatalf("two shells wait, and found are %v", found)
	}
}

func checkCounters(t *testing.T, status mapreduce.Status, lines []string) {
	t.Helper()
	want := mapreduce.Counters{
		"words,maps": int64(len(lines)), "words,read": int64(len(strings.Fields(strings.Join(lines, " ")))),
		"words,reduces": 2, "words,rows": int64(strings.Count(processtest.Count(lines), "\n")),
	}
	if !maps.Equal(status.Counters, want) {
		t.Errorf("counted %v, want %v", status.Counters, want)
	}
	if status.Attempts.Failed != 1 || status.Attempts.Map != len(lines) || status.Attempts.Reduce != 2 {
		t.Errorf("attempts: %+v", status.Attempts)
	}
}

// Promise: cancel reaches the commands, and what they have begun.
func TestCancelledJobOfCommandsLeavesNoProcess(t *testing.T) {
	t.Parallel()
	c, h := newCluster(t, false, 1), newHeld(t)
	job := h.job(t, processtest.Lines(32, 4, 10, 10))
	worker := c.Worker(2, "--allow-exec")
	run := c.Submit(job)
	h.gate.AwaitAttempts(mapreduce.Map, 2, worker)
	checkMarked(t, job.ID)
	c.Command("cancel", string(job.ID)).Output()
	if status, err := run.End(); err != nil || status.State != mapreduce.Cancelled {
		t.Errorf("the job is %s: %v", status.State, err)
	}
	awaitNoneMarked(t, job.ID)
	c.AwaitIdle(worker)
}
