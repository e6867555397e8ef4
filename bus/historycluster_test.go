package bus_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// How jobs went is kept as often as all else that a cluster must not lose: three times, unless once was asked for.
func TestHistoryHasTheReplicasThatWereAskedFor(t *testing.T) {
	t.Parallel()
	ctx, c := patient(t), bustest.StartBareCluster(t)
	for prefix, replicas := range map[string]int{"unsaid": 0, "once": 1, "thrice": 3} {
		b, err := bus.New(c.Conn(), prefix)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.SetUp(ctx, bus.SetUp{Shape: bus.Shape{Replicas: replicas}}); err != nil {
			t.Fatal(prefix, err)
		}
	}
	made := replicasOf(ctx, t, c.Conn())
	for name, want := range map[string]int{"UNSAID_HISTORY": 3, "ONCE_HISTORY": 1, "THRICE_HISTORY": 3} {
		if made[name] != want {
			t.Errorf("%s has %d replicas, want %d", name, made[name], want)
		}
	}
}

// endedJobs answers as a leader that knows of jobs that have ended, each of the submission of its own name, and has forgotten their tasks.
func endedJobs(t *testing.T, nc *nats.Conn) {
	t.Helper()
	_, err := nc.Subscribe("jetreduce.api.timeline", func(msg *nats.Msg) {
		status := mapreduce.Status{ID: mapreduce.JobID(msg.Data), UID: mapreduce.UID(msg.Data), State: mapreduce.Done}
		if text, err := json.Marshal(mapreduce.Timeline{Job: status}); err == nil {
			_ = msg.Respond(text)
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// recalled is how many maps a job is known to have had; 0: it is not known how it went.
func recalled(ctx context.Context, t *testing.T, b *bus.Bus, job mapreduce.UID) int {
	t.Helper()
	got, err := b.Desk().Timeline(ctx, mapreduce.JobID(job))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Phases) != 1 {
		return 0
	}
	return got.Phases[0].Tasks
}

// awaitThat waits for what the servers show no event of.
func awaitThat(ctx context.Context, t *testing.T, what string, is func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("it does not come to pass that %s", what)
		}
	}
}

// The server that led the stream dies: what was kept is there, what is kept from then on as well, and the first of a job still stands.
func TestTimelinesSurviveAServerOfACluster(t *testing.T) {
	t.Parallel()
	const stream = "JETREDUCE_HISTORY"
	ctx, c := patient(t), bustest.StartCluster(t, patience)
	c.AwaitReplicas(stream)
	victim := c.LeaderOf(stream)
	nc := c.ConnAt((victim + 1) % bustest.Servers)
	endedJobs(t, nc)
	b, err := bus.New(nc, "")
	if err != nil {
		t.Fatal(err)
	}
	keep := func(uid mapreduce.UID, tasks int) error { return b.History().KeepTimeline(ctx, went(uid, tasks)) }
	if err := keep("before", 3); err != nil {
		t.Fatal(err)
	}
	c.AwaitReplicas(stream)
	c.Kill(victim)
	awaitThat(ctx, t, "another server takes what is kept", func() bool { return keep("after", 5) == nil })
	if err := keep("before", 9); err != nil {
		t.Error(err)
	}
	if n := recalled(ctx, t, b, "before"); n != 3 {
		t.Errorf("the job from before is known to have had %d maps, want 3", n)
	}
	// Each server answers for what it has; the one that does not lead may have to hear of it first.
	awaitThat(ctx, t, "the job from after is known", func() bool { return recalled(ctx, t, b, "after") == 5 })
}
