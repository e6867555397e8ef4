package processtest_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"jetreduce/bus"
	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// Promise: a job goes on when its client is killed, and its result can be fetched later.
func TestJobOutlivesItsClient(t *testing.T) {
	t.Parallel()
	c, gate, lines := newCluster(t, false, 1), processtest.NewGate(t), processtest.Lines(24, 4, 100, 100)
	c.Worker(2)
	args := append([]string{
		"run", "gated", "--id", "orphan", "--arg", "gate=" + gate.Args()["gate"], "--split-size", "1", "--reduces", "2",
		"-o", filepath.Join(c.Dir(), "never"),
	}, processtest.WriteLines(t, lines)...)
	submitter := c.Command(args...)
	gate.AwaitAttempts(mapreduce.Map, 2, nil)
	submitter.Kill()
	gate.Open(mapreduce.Map)
	gate.Open(mapreduce.Reduce)
	if code := c.Command("watch", "orphan").Exit(); code != 0 {
		t.Errorf("watch exited with %d", code)
	}
	if got, want := c.Command("output", "orphan").Output(), processtest.Count(lines); got != want {
		t.Errorf("output has %d bytes, want %d", len(got), len(want))
	}
}

// Promise: a small job behind a huge one does not wait for its end.
func TestSmallJobOvertakesAHugeOne(t *testing.T) {
	t.Parallel()
	const maps = 400_000
	c, few := newCluster(t, false, 1), processtest.Lines(25, 3, 100, 100)
	c.Worker(2)
	huge := c.Submit(mapreduce.Job{
		ID: "huge", Program: "wordcount", SplitSize: 1, Reduces: 1,
		Inputs: processtest.WriteLines(t, []string{strings.Repeat("word\n", maps)}),
	})
	huge.AwaitMaps(1)
	small := c.Submit(mapreduce.Job{ID: "small", Program: "wordcount", SplitSize: 1, Reduces: 1, Inputs: processtest.WriteLines(t, few)}).Done()
	checkResult(t, c.Machine, small, processtest.Count(few))
	status, err := processtest.Ask(c.Machine, func(ctx context.Context, desk *bus.Desk) (*mapreduce.Status, error) {
		return desk.Cancel(ctx, "huge") // what it says of the moment when the small one had ended
	})
	if err != nil || status.Maps.Done >= status.Maps.Total {
		t.Fatalf("the huge job had ended before the small one: %+v, %v", status, err)
	}
	t.Logf("%d of %d maps of the huge job were committed when the small one had ended", status.Maps.Done, status.Maps.Total)
	if end, err := huge.End(); err != nil || end.State != mapreduce.Cancelled {
		t.Errorf("the huge job is %s: %v", end.State, err)
	}
}
