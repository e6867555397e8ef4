package processtest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// orders makes a stream that has each line as a message.
func orders(t *testing.T, m *processtest.Machine, config jetstream.StreamConfig, lines []string) jetstream.Stream {
	t.Helper()
	ctx, js := stranger(t, m)
	config.Name, config.Subjects = "ORDERS", []string{"orders.>"}
	stream, err := js.CreateStream(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	place(t, m, lines)
	return stream
}

// messageSize is so large that a few messages are ranges of several tasks.
const messageSize = 900 << 10

// place publishes each line as a message, with blanks behind it.
func place(t *testing.T, m *processtest.Machine, lines []string) {
	t.Helper()
	ctx, js := stranger(t, m)
	for i, line := range lines {
		if _, err := js.Publish(ctx, fmt.Sprintf("orders.%d", i%3), fmt.Appendf(nil, "%-*s", messageSize, line[:len(line)-1])); err != nil {
			t.Fatal(err)
		}
	}
}

// keys is what a bucket holds; none: there is no such bucket.
func keys(t *testing.T, m *processtest.Machine, name string) map[string]string {
	t.Helper()
	ctx, js := stranger(t, m)
	kv, err := js.KeyValue(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	watcher, err := kv.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = watcher.Stop() }()
	all := map[string]string{}
	for entry := range watcher.Updates() {
		if entry == nil { // that was all that there is
			break
		}
		all[entry.Key()] = string(entry.Value())
	}
	return all
}

// table is the rows of a result, by key.
func table(rows string) map[string]string {
	all := map[string]string{}
	for row := range strings.Lines(rows) {
		key, value, _ := strings.Cut(strings.TrimSuffix(row, "\n"), "\t")
		all[key] = value
	}
	return all
}

// Promise: from a stream into a bucket, exactly, when the leader is killed in the maps and the worker in the finish. Rows are large, so
// that to publish them takes a while.
func TestStreamBecomesABucketWhoeverIsKilled(t *testing.T) {
	t.Parallel()
	c, h, lines := newCluster(t, false, 2), newHeld(t), processtest.Lines(33, 20, 1_000, 1_000)
	orders(t, c.Machine, jetstream.StreamConfig{}, lines)
	job := h.job(t, lines[:1])
	job.Inputs, job.SplitSize, job.Output.To = []string{"stream://ORDERS?subject=orders.>"}, 1, "kv://totals"
	job.Reduce += fmt.Sprintf(` | awk 'BEGIN { for (p = "."; length(p) < %d;) p = p p } { print $0 p }'`, padding)
	victim := c.Worker(2, "--allow-exec")
	run := c.Submit(job)
	h.gate.AwaitAttempts(mapreduce.Map, 2, victim)
	place(t, c.Machine, lines[:3]) // which came too late to be counted
	c.leader().Kill()
	h.gate.Open(mapreduce.Map)
	h.gate.Open(mapreduce.Reduce)
	killInFinish(t, c, run, victim)
	c.Worker(2, "--allow-exec")
	status := run.Done()
	want := table(pad(processtest.Count(lines)))
	if got := keys(t, c.Machine, "totals"); !maps.Equal(got, want) {
		t.Errorf("the bucket has %d keys, want %d; %+v", len(got), len(want), status)
	}
	checkSuccessor(t, c, job.ID, mapreduce.Reducing, mapreduce.Finishing, mapreduce.Done)
}

// killInFinish kills a worker in the middle of finish. It is paused first, and killed when that is certain.
func killInFinish(t *testing.T, c *cluster, run *processtest.Run, victim *processtest.Process) {
	t.Helper()
	uid := run.AwaitState(mapreduce.Finishing).UID
	c.AwaitRunning(mapreduce.Finish, 1)
	victim.Pause()
	if done := commits(t, c.Machine, uid, mapreduce.Finish); len(done) > 0 {
		t.Fatalf("finish was faster than the test: %v; make the rows larger", done)
	}
	victim.Kill()
}

// Promise: messages that go while the job runs fail it by name, and nothing is written.
func TestStreamThatLosesMessagesDuringTheJobFailsIt(t *testing.T) {
	t.Parallel()
	lines := processtest.Lines(34, 20, 50, 100)
	for name, lose := range map[string]func(t *testing.T, m *processtest.Machine, stream jetstream.Stream) error{
		"purged": func(_ *testing.T, _ *processtest.Machine, stream jetstream.Stream) error {
			return stream.Purge(context.Background(), jetstream.WithPurgeSequence(20))
		},
		"pushed out": func(t *testing.T, m *processtest.Machine, _ jetstream.Stream) error {
			place(t, m, lines[:19])
			return nil
		},
		"one deleted": func(_ *testing.T, _ *processtest.Machine, stream jetstream.Stream) error {
			return stream.DeleteMsg(context.Background(), 19)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, h := newCluster(t, false, 1), newHeld(t)
			stream := orders(t, c.Machine, jetstream.StreamConfig{MaxMsgs: 20}, lines)
			loseAndCheck(t, c, h, func() error { return lose(t, c.Machine, stream) })
		})
	}
}

// loseAndCheck loses messages that are read last while a command holds the first.
func loseAndCheck(t *testing.T, c *cluster, h held, lose func() error) {
	t.Helper()
	job := h.job(t, []string{"\n"})
	job.Inputs, job.SplitSize, job.Output.To = []string{"stream://ORDERS"}, 1, "kv://totals"
	run := c.Submit(job)
	h.gate.AwaitAttempts(mapreduce.Map, 1, c.Worker(1, "--allow-exec"))
	if err := lose(); err != nil {
		t.Fatal(err)
	}
	h.gate.Open(mapreduce.Map)
	h.gate.Open(mapreduce.Reduce)
	status, err := run.End()
	if err != nil || status.State != mapreduce.Failed || !strings.Contains(status.Error, "input changed: stream ORDERS: ") {
		t.Errorf("the job is %s (%s): %v", status.State, status.Error, err)
	}
	if got := keys(t, c.Machine, "totals"); len(got) > 0 {
		t.Errorf("there is a result of %d keys", len(got))
	}
	awaitNoneMarked(t, job.ID)
}
