package processtest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"jetreduce/bus"
	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// Promise: a job that is cancelled while it finishes is either cancelled, and leaves nothing, or done, and exact.
func TestCancelAndFinishHaveOneAnswer(t *testing.T) {
	t.Parallel()
	const jobs = 24
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	c := newCluster(t, false, 1)
	worker := c.Worker(2)
	kinds, want := finishers(t)
	ends := map[mapreduce.State]int{}
	var all []mapreduce.Status
	for i := range jobs {
		job := kinds[i%len(kinds)]
		job.ID = mapreduce.JobID(fmt.Sprintf("job-%d", i))
		status := cancelled(t, c, job, time.Duration(random.Int64N(int64(50*time.Millisecond))))
		all = append(all, status)
		ends[status.State]++
	}
	t.Logf("ends: %v", ends)
	c.AwaitIdle(worker) // what comes too late has come
	for _, status := range all {
		checkEnd(t, c, status, want[status.Program])
	}
}

// finishers are jobs that publish quickly and slowly, and their results by program.
func finishers(t *testing.T) (kinds []mapreduce.Job, want map[string]string) {
	t.Helper()
	few, many := processtest.Lines(20, 2, 1_000, 200), processtest.Lines(26, 3, 5_000, 10_000)
	slow, quick := paddedJob(t, "", few), paddedJob(t, "", many)
	quick.Program = "wordcount"
	return []mapreduce.Job{slow, quick}, map[string]string{
		slow.Program: pad(processtest.Count(few)), quick.Program: processtest.Count(many),
	}
}

// cancelled cancels a job some time after it began to reduce, and returns how it ended. What it was told at once must be
// true.
func cancelled(t *testing.T, c *cluster, job mapreduce.Job, after time.Duration) mapreduce.Status {
	t.Helper()
	run := c.Submit(job)
	run.Await("about to finish", func(s mapreduce.Status) bool {
		return s.State == mapreduce.Reducing || s.State == mapreduce.Finishing || s.State.Final()
	})
	<-time.After(after) // any moment will do
	_, refusal := processtest.Ask(c.Machine, func(ctx context.Context, desk *bus.Desk) (*mapreduce.Status, error) {
		return desk.Cancel(ctx, job.ID)
	})
	status, err := run.End()
	if err != nil {
		t.Fatal(err)
	}
	if (status.State == mapreduce.Cancelled) != (refusal == nil) {
		t.Errorf("job %s is %s, and who cancelled it was told %v", job.ID, status.State, refusal)
	}
	return status
}

func checkEnd(t *testing.T, c *cluster, status mapreduce.Status, want string) {
	t.Helper()
	byLink, linked := content(t, c.Machine, string(status.ID))
	byUID, stored := content(t, c.Machine, "@"+string(status.UID)) // where no job's id can lead
	switch status.State {
	case mapreduce.Done:
		if byLink != want || byUID != want {
			t.Errorf("job %s is done, its result has %d bytes and %d by its link, want %d", status.ID, len(byUID), len(byLink), len(want))
		}
	case mapreduce.Cancelled:
		if linked || stored {
			t.Errorf("job %s is cancelled, and there is a result (%t) or a link to it (%t)", status.ID, stored, linked)
		}
	default:
		t.Errorf("job %s is %s: %s", status.ID, status.State, status.Error)
	}
}

// Promise: cancel reaches the programs that run, their slots are free at once, and what the job has stored is gone.
func TestCancelEndsAttemptsAndFreesTheirStorage(t *testing.T) {
	t.Parallel()
	c, gate, lines := newCluster(t, false, 1), processtest.NewGate(t), processtest.Lines(62, 30, 100, 100)
	worker := c.Worker(2)
	run := c.Submit(gatedJob(t, "cancelled", gate, lines)) // the gate stays closed
	gate.AwaitAttempts(mapreduce.Map, 2, worker)
	c.AwaitRunning(mapreduce.Map, 2)
	if _, err := processtest.Ask(c.Machine, func(ctx context.Context, desk *bus.Desk) (*mapreduce.Status, error) {
		return desk.Cancel(ctx, "cancelled")
	}); err != nil {
		t.Fatal(err)
	}
	c.AwaitIdle(worker)
	status, err := run.End()
	if err != nil || status.State != mapreduce.Cancelled {
		t.Errorf("the job is %s: %v", status.State, err)
	}
	if began := len(gate.Ran()); began != 2 {
		t.Errorf("%d attempts have begun, want the two that ran", began)
	}
	processtest.AwaitTrue(t, "nothing but the records of its states and its end to be left", func() bool {
		return !slices.ContainsFunc(remains(t, c.Machine, status.UID), func(name string) bool {
			return !strings.Contains(name, ".job.") && !strings.HasSuffix(name, ".end")
		})
	})
}
