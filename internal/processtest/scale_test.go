package processtest_test

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// rounds is how often the job is scaled up and down: JETREDUCE_TEST_SCALE, else once.
func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("JETREDUCE_TEST_SCALE")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("JETREDUCE_TEST_SCALE=%s: use a number of rounds", text)
	}
	return n
}

// Promise: workers may come and go during a job; the result is exact, and no attempt fails or is lost.
func TestScalingUpAndDownLosesNoAttempt(t *testing.T) {
	t.Parallel()
	c := newCluster(t, false, 1)
	workers := []*processtest.Process{c.Worker(2)}
	for round := range rounds(t) {
		workers = scaleRound(t, c, round, workers)
		stopAll(t, workers[1:])
		workers = workers[:1]
	}
}

// scaleRound runs a job with one worker, then with eight, then with two, which it returns. The last maps wait until the others were told
// to stop, so that the job is not over before.
func scaleRound(t *testing.T, c *cluster, round int, workers []*processtest.Process) []*processtest.Process {
	t.Helper()
	const maps, held, few, many, left = 80, 20, 4, 8, 2 // more are held than eight workers have slots: each gets some
	gate, lines := processtest.NewGate(t), processtest.Lines(uint64(100+round), maps, 50, 100)
	for i := range maps - held {
		gate.Open(mapreduce.Map, processtest.InputName(i))
	}
	run := c.Submit(slowJob(t, fmt.Sprintf("scaled-%d", round), gate, lines))
	run.AwaitMaps(few)
	for len(workers) < many {
		workers = append(workers, c.Worker(2))
	}
	gate.AwaitAttempts(mapreduce.Map, 1, workers[many-1])
	stopAll(t, workers[left:])
	gate.Open(mapreduce.Map)
	gate.Open(mapreduce.Reduce)
	checkNothingLost(t, c, run, lines)
	return workers[:left]
}

// slowJob is a gated job whose attempts take a moment each.
func slowJob(t *testing.T, id string, gate *processtest.Gate, lines []string) mapreduce.Job {
	t.Helper()
	job := gatedJob(t, id, gate, lines)
	job.Program, job.Args["each"] = "slow", "50ms"
	return job
}

// stopAll tells all of them to stop at once, as who scales down does, and waits until they have ended well.
func stopAll(t *testing.T, all []*processtest.Process) {
	t.Helper()
	for _, p := range all {
		if err := p.Send(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range all {
		if code := p.Exit(); code != 0 {
			t.Fatalf("%s was told to stop and exited with %d", p, code)
		}
	}
}

// checkNothingLost waits for the job, compares its result, and wants that all attempts counted.
func checkNothingLost(t *testing.T, c *cluster, run *processtest.Run, lines []string) {
	t.Helper()
	status := run.Done()
	checkResult(t, c.Machine, status, processtest.Count(lines))
	if a := status.Attempts; a.Failed != 0 || a.Lost != 0 || a.Map != len(lines) {
		t.Errorf("job %s: attempts %+v: want %d maps, none failed and none lost", status.ID, a, len(lines))
	}
	t.Logf("job %s: attempts %+v", status.ID, status.Attempts)
}
