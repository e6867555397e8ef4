package bus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// scriptedCluster is scripted, and says that it is a cluster.
func scriptedCluster(t *testing.T, s script) *bus.Bus {
	t.Helper()
	cluster := server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: server.RANDOM_PORT}
	return scriptedOn(t, server.Options{Port: server.RANDOM_PORT, Cluster: cluster}, s)
}

// While a cluster agrees on who leads, one of its servers may not know a stream. Whatever is asked, it is asked again.
func TestClusterThatMissesAStreamIsAskedAgain(t *testing.T) {
	t.Parallel()
	info := func(name string) string { return `{"config":{"name":"` + name + `"}}` }
	for name, c := range map[string]struct {
		script script
		ask    func(ctx context.Context, b *bus.Bus) error
	}{
		"commit": {script{
			"$KV.jetreduce-commits.u1.map.3.1":            {wrongSequence},
			"$JS.API.STREAM.INFO.KV_jetreduce-commits":    {noStream, noStream, info("KV_jetreduce-commits")},
			"$JS.API.STREAM.MSG.GET.KV_jetreduce-commits": {`{"message":{"subject":"x","seq":1,"data":"eyJ2IjoxfQ=="}}`},
		}, commitOne},
		"result": {script{"$JS.API.STREAM.MSG.GET.OBJ_theirs": {noStream, noStream, noMessage}}, func(ctx context.Context, b *bus.Bus) error {
			return b.Results().Check(ctx, "u1", mapreduce.Target{To: "object://theirs/out"})
		}},
		"queue": {script{
			"$JS.API.CONSUMER.INFO.JETREDUCE_TASKS.default-test": {noStream, noStream, `{"name":"default-test","config":{"ack_wait":1000000000}}`},
		}, func(ctx context.Context, b *bus.Bus) error {
			queue := b.Queue(bustest.Quiet())
			defer queue.Close()
			ctx, cancel := context.WithTimeout(ctx, time.Second) // there is nothing to pull
			defer cancel()
			if _, err := queue.Pull(ctx, bustest.Class); !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			return nil
		}},
		"upload": {script{"$JS.API.STREAM.DELETE.JETREDUCE_INPUT_u1": {noStream, noStream, `{"success":true}`}}, func(ctx context.Context, b *bus.Bus) error {
			return b.Uploads().Drop(ctx, "u1")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := c.ask(deadline(t), scriptedCluster(t, c.script)); err != nil {
				t.Error(err)
			}
		})
	}
}

func isNoStream(err error) bool { return errors.Is(err, jetstream.ErrStreamNotFound) }

func commitOne(ctx context.Context, b *bus.Bus) error {
	_, err := b.Commits().Commit(ctx, mapreduce.Commit{Version: 1, Task: mapTask(3), Attempt: attempt(1)})
	return err
}

// What a server alone says, counts; so does what a cluster goes on saying.
func TestBusesThatHaveNoStreamAreBelieved(t *testing.T) {
	t.Parallel()
	s := script{
		"$KV.jetreduce-commits.u1.map.3.1":         {wrongSequence},
		"$JS.API.STREAM.INFO.KV_jetreduce-commits": {noStream},
	}
	for name, b := range map[string]*bus.Bus{"server": scripted(t, s), "cluster": scriptedCluster(t, s)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := commitOne(deadline(t), b); !isNoStream(err) {
				t.Errorf("got %v, want %v", err, jetstream.ErrStreamNotFound)
			}
		})
	}
}

// Silence between two such words is neither: the second begins anew.
func TestDoubtBeginsAnewAfterAnotherAnswer(t *testing.T) {
	t.Parallel()
	b := scriptedCluster(t, script{
		"$KV.jetreduce-commits.u1.map.3.1":            {wrongSequence},
		"$JS.API.STREAM.INFO.KV_jetreduce-commits":    {noStream, silence, noStream, `{"config":{"name":"KV_jetreduce-commits"}}`},
		"$JS.API.STREAM.MSG.GET.KV_jetreduce-commits": {`{"message":{"subject":"x","seq":1,"data":"eyJ2IjoxfQ=="}}`},
	})
	if err := commitOne(deadline(t), b); err != nil {
		t.Error(err)
	}
}

// A lane whose server is dead is given up, also when somebody said for a moment that there is none.
func TestLaneThatIsMissedAndThenSilentIsGivenUp(t *testing.T) {
	t.Parallel()
	lane := mapreduce.Lane{UID: "u1", Reader: mapreduce.Reduce, Generation: 1}
	b := scriptedCluster(t, script{
		"$JS.API.STREAM.INFO.JETREDUCE_RUNS_u1_1_0": {noStream, silence},
		"jetreduce.plans.alive":                     {`{"stream":"JETREDUCE_PLANS","seq":1}`},
	})
	err := b.Runs().Fetch(patient(t), lane, func([]byte) error { return nil })
	if !errors.Is(err, mapreduce.ErrRunsLost) {
		t.Errorf("got %v, want %v", err, mapreduce.ErrRunsLost)
	}
}
