package processtest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/shuffle"
)

// Promise: when runs are lost, the maps that are needed run again, and only they.
func TestDeletedLaneRunsAllMapsAgain(t *testing.T) {
	t.Parallel()
	gate, lines := processtest.NewGate(t), processtest.Lines(17, 4, 100, 100)
	c, run, lost := loseRuns(t, gate, gatedJob(t, "deleted", gate, lines), func(ctx context.Context, js jetstream.JetStream, lane string) []int {
		if err := js.DeleteStream(ctx, lane); err != nil {
			t.Fatal(err)
		}
		return []int{0, 1, 2, 3}
	})
	checkResult(t, c.Machine, run.Done(), processtest.Count(lines))
	checkRanAgain(t, gate, lost)
}

func TestPurgedRunsRunTheirMapsAgainAndNoOthers(t *testing.T) {
	t.Parallel()
	gate, lines := processtest.NewGate(t), processtest.Lines(18, 6, 100, 100)
	c, run, lost := loseRuns(t, gate, gatedJob(t, "purged", gate, lines), purgeHalf(t))
	status := run.Done()
	checkRanAgain(t, gate, lost)
	checkResult(t, c.Machine, status, processtest.Count(lines))
	if status.Attempts.Map <= len(lines) {
		t.Errorf("attempts %+v: maps that ran again are not among them", status.Attempts)
	}
}

// A job that is map only has no reduce: finish misses the runs, and the rows stay in the order of the input.
func TestPurgedRowsRunTheirMapsAgain(t *testing.T) {
	t.Parallel()
	gate, lines := processtest.NewGate(t), processtest.Lines(20, 6, 100, 100)
	job := gatedJob(t, "rows", gate, lines)
	job.MapOnly, job.Reduces = true, 0
	c, run, lost := loseRuns(t, gate, job, purgeHalf(t))
	status := run.Done()
	checkRanAgain(t, gate, lost)
	var want strings.Builder
	for _, word := range strings.Fields(strings.Join(lines, " ")) {
		fmt.Fprintf(&want, "%s\t1\n", word)
	}
	checkResult(t, c.Machine, status, want.String())
	if status.Reduces.Total != 0 || status.Attempts.Reduce != 0 || status.Rows != int64(100*len(lines)) {
		t.Errorf("%d reduces, %d rows: %+v", status.Reduces.Total, status.Rows, status.Attempts)
	}
}

func TestProgramThatAnswersOtherwiseTheSecondTimeFailsTheJob(t *testing.T) {
	t.Parallel()
	gate, lines := processtest.NewGate(t), processtest.Lines(19, 6, 100, 100)
	job := gatedJob(t, "fickle", gate, lines)
	job.Program = "fickle"
	c, run, _ := loseRuns(t, gate, job, purgeHalf(t))
	status, err := run.End()
	if err != nil || status.State != mapreduce.Failed || !strings.Contains(status.Error, "not deterministic") {
		t.Errorf("the job is %s (%s): %v", status.State, status.Error, err)
	}
	if got, found := content(t, c.Machine, "fickle"); found {
		t.Errorf("it has a result: %.100q", got)
	}
}

// checkRanAgain makes sure that these maps began twice, and all others once.
func checkRanAgain(t *testing.T, gate *processtest.Gate, lost []int) {
	t.Helper()
	want := map[string]int{}
	for _, n := range lost {
		want[processtest.InputName(n)] = 2
	}
	for name, times := range gate.Times(mapreduce.Map) {
		if times != max(1, want[name]) {
			t.Errorf("map %s began %d times, want %d", name, times, max(1, want[name]))
		}
	}
}

// loseRuns runs a job on two slots and loses runs of the first partition when all are committed and nobody has read them:
// lose returns whose. The coordinator is paused meanwhile, since it would queue the reduces at once.
func loseRuns(t *testing.T, gate *processtest.Gate, job mapreduce.Job,
	lose func(ctx context.Context, js jetstream.JetStream, lane string) []int) (*cluster, *processtest.Run, []int) {
	t.Helper()
	c := newCluster(t, false, 1)
	c.Worker(2)
	run := c.Submit(job)
	gate.AwaitAttempts(mapreduce.Map, 2, nil)
	uid := run.AwaitState(mapreduce.Mapping).UID
	ctx, js := stranger(t, c.Machine)
	c.leader().Pause()
	gate.Open(mapreduce.Map)
	gate.Open(mapreduce.Reduce)
	processtest.AwaitTrue(t, "commits of all maps", func() bool { return len(commits(t, c.Machine, uid, mapreduce.Map)) == len(job.Inputs) })
	lane, next := fmt.Sprintf("JETREDUCE_RUNS_%s_1_0", uid), mapreduce.Reducing
	if job.MapOnly {
		lane, next = fmt.Sprintf("JETREDUCE_PARTS_%s_1", uid), mapreduce.Finishing
	}
	lost := lose(ctx, js, lane)
	if early, found := c.Find(0, entered(job.ID, next)); found {
		t.Fatalf("the runs were read before they were lost: %s", early)
	}
	c.leader().Resume()
	return c, run, lost
}

// purgeHalf loses the runs that were stored first.
func purgeHalf(t *testing.T) func(ctx context.Context, js jetstream.JetStream, lane string) []int {
	return func(ctx context.Context, js jetstream.JetStream, lane string) (lost []int) {
		t.Helper()
		stream, err := js.Stream(ctx, lane)
		if err != nil {
			t.Fatal(err)
		}
		half := stream.CachedInfo().State.LastSeq / 2
		for seq := range half {
			lost = append(lost, mapAt(ctx, t, stream, seq+1))
		}
		if err := stream.Purge(ctx, jetstream.WithPurgeSequence(half+1)); err != nil || half == 0 {
			t.Fatalf("%d messages purged: %v", half, err)
		}
		return lost
	}
}

// mapAt is the map whose chunk stands at a sequence.
func mapAt(ctx context.Context, t *testing.T, stream jetstream.Stream, seq uint64) int {
	t.Helper()
	msg, err := stream.GetMsg(ctx, seq)
	if err != nil {
		t.Fatal(err)
	}
	chunk, err := shuffle.ParseChunk(msg.Data)
	if err != nil {
		t.Fatal(err)
	}
	return chunk.Task
}
