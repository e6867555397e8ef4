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

// Promise: a program that only one binary has runs on workers of that binary and nowhere else, though the coordinator is another and a
// worker of another build stands beside; the job says what it waits for; and it survives its workers.
func TestProgramOfABinaryRunsOnItsWorkersOnly(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it links a binary: run it without -short")
	}
	mine := processtest.Build(t, filepath.Join("testdata", "own"))
	c, gate, lines := newCluster(t, false, 1), processtest.NewGate(t), processtest.Lines(41, 4, 100, 100)
	stranger := c.Worker(2, "--allow-exec")
	args := append([]string{"run", "mine", "--id", "own", "--arg", "gate=" + gate.Args()["gate"], "--split-size", "1", "--reduces", "2"},
		processtest.WriteLines(t, lines)...)
	run := c.Run(mine, "run", args...)
	processtest.AwaitTrue(t, "the job to say what it waits for", func() bool {
		status, err := processtest.Ask(c.Machine, func(ctx context.Context, desk *bus.Desk) (*mapreduce.Status, error) {
			return desk.Ask(ctx, "own")
		})
		return err == nil && status != nil && strings.Contains(status.Waiting, "no worker has program mine: start one with the binary that")
	})
	first := c.worker(mine, 2)
	gate.AwaitAttempts(mapreduce.Map, 2, first)
	gate.Open(mapreduce.Reduce)
	first.Kill()
	second := c.worker(mine, 2)
	gate.Open(mapreduce.Map)
	if got := run.Output(); got != processtest.Count(lines) {
		t.Errorf("the result is %q", got)
	}
	for _, b := range gate.Ran() {
		if b.Pid == stranger.Pid() || b.Pid != first.Pid() && b.Pid != second.Pid() {
			t.Errorf("%s ran %s %s", stranger, b.Phase, b.Name)
		}
	}
}

// worker starts a worker that is another binary, and waits until it works.
func (c *cluster) worker(binary processtest.Binary, slots int) *processtest.Process {
	p := c.Run(binary, "mine", "worker", "--log", "json", "--slots", string(rune('0'+slots)), "--scratch", filepath.Join(c.Dir(), "scratch"))
	p.Await("works")
	return p
}
