package permissiontest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/client"
	"jetreduce/coordinator"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
)

// Each of these would otherwise wait until its time is up, and say that nobody has answered.
func TestWhatIsDeniedIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	w := newWorld(ctx, t, coordinator.Config{})
	job := words("object://theirs/in.txt")
	for _, c := range []struct {
		user, subject, role string
		do                  func(b *bus.Bus) error
	}{
		{"observer", "jetreduce.api.submit", "a client", func(b *bus.Bus) error { _, err := run(ctx, b, job); return err }},
		{"worker", "jetreduce.api.status", "an observer", func(b *bus.Bus) error { _, err := b.Desk().Ask(ctx, "j"); return err }},
		{"observer", "jetreduce.api.cancel", "a client", func(b *bus.Bus) error { _, err := b.Desk().Cancel(ctx, "j"); return err }},
		{"observer", "jetreduce.api.upload", "a client", func(b *bus.Bus) error { _, err := b.Desk().NewUpload(ctx, ""); return err }},
		{"observer", "jetreduce.input.x.0.0", "a client", func(b *bus.Bus) error { return carry(ctx, b) }},
		{"worker", "jetreduce.events.j.*", "an observer", func(b *bus.Bus) error {
			_, err := b.Desk().Listen("j", func(mapreduce.Status) {}, func(uint64, string) {})
			return err
		}},
		{"client", "$JS.API.CONSUMER.INFO.JETREDUCE_TASKS.default", "a worker", func(b *bus.Bus) error { return work(ctx, t, b) }},
		{"observer", "$JS.API.STREAM.CREATE.", "a coordinator", func(b *bus.Bus) error {
			return b.SetUp(ctx, bus.SetUp{Classes: roles.Classes(), Results: true})
		}},
		{"worker", "jetreduce-state", "a coordinator", func(b *bus.Bus) error { return lead(ctx, b) }},
		{"client", "$O.jetreduce-out.M.", "a worker", func(b *bus.Bus) error { return store(ctx, b) }},
		{"client", "$JS.API.DIRECT.GET.JETREDUCE_RUNS_u1_1_0", "a worker", func(b *bus.Bus) error {
			return b.Runs().Fetch(ctx, mapreduce.Lane{UID: "u1", Reader: mapreduce.Reduce, Generation: 1}, func([]byte) error { return nil })
		}},
		{"client", "jetreduce.runs.u1.1.0", "a worker", func(b *bus.Bus) error { return publishRun(ctx, b) }},
		{"client", "jetreduce.tasks.default.io", "a coordinator", func(b *bus.Bus) error {
			_, err := b.Queue(bustest.Quiet()).Publish(ctx, []mapreduce.Task{{Pool: mapreduce.DefaultPool, Class: mapreduce.IO}})
			return err
		}},
	} {
		err := c.do(w.bus(c.user))
		if !errors.Is(err, bus.ErrDenied) || !mapreduce.IsPermanent(err) {
			t.Errorf("%s, %s: got %v, want %v, permanent", c.user, c.subject, err, bus.ErrDenied)
			continue
		}
		for _, part := range []string{c.subject, `as user "` + c.user + `"`, "the permissions of " + c.role + ": `jetreduce permissions "} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %q", c.user, err, part)
			}
		}
	}
}

func carry(ctx context.Context, b *bus.Bus) error {
	_, err := client.Upload(ctx, b.Carrier(), client.UploadConfig{ID: "x", Inputs: []string{"-"}, Stdin: strings.NewReader(text)})
	return err
}

func work(ctx context.Context, t *testing.T, b *bus.Bus) error {
	return roles.Worker{
		Bus: b, Log: bustest.Quiet(), Slots: 1, Memory: 16 << 20, Scratch: t.TempDir(), Programs: func(string) (mapreduce.Program, error) {
			return mapreduce.Program{}, mapreduce.ErrNotMine
		},
	}.Run(ctx)
}

func lead(ctx context.Context, b *bus.Bus) error {
	return roles.Coordinator{Bus: b, Name: "wrong", Log: bustest.Quiet()}.Run(ctx)
}

func store(ctx context.Context, b *bus.Bus) error {
	return b.Results().Publish(ctx, "u1", mapreduce.Target{}, strings.NewReader(""), 0, 0)
}

func publishRun(ctx context.Context, b *bus.Bus) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	push, flush := b.Runs().Publisher(ctx)
	err := push(mapreduce.Lane{UID: "u1", Reader: mapreduce.Reduce, Generation: 1}, []byte("x"))
	return errors.Join(err, flush())
}

// An inbox that a user may not listen to gets no answer, whatever is asked.
func TestInboxOfAnotherIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := newStage(t)
	nc, err := nats.Connect(s.server.ClientURL(), nats.UserInfo("observer", "observer"), nats.CustomInboxPrefix(inbox("client")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	b, err := bus.New(nc, "")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the subscription is made once, and denied once
		if _, err := b.Desk().List(ctx); !errors.Is(err, bus.ErrDenied) || !strings.Contains(err.Error(), "--inbox-prefix") {
			t.Errorf("got %v", err)
		}
	}
}

// A user who may not even ask for JetStream learns it when it connects.
func TestConnectingSaysWhatIsDenied(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	_, err := bus.Connect(deadline(t), bus.ConnectConfig{
		URL: s.server.ClientURL(), Name: "jetreduce client", Log: bustest.Quiet(), InboxPrefix: inbox("worker"),
		Login: bus.Login{User: nobody, Password: nobody},
	})
	if !errors.Is(err, bus.ErrDenied) || !strings.Contains(err.Error(), "$JS.API.INFO") ||
		!strings.Contains(err.Error(), "jetreduce permissions") {
		t.Errorf("got %v", err)
	}
}

// A worker may write keys of the commits bucket, and results. By a header it could purge whatever else stands there.
func TestWorkerCannotPurgeByAHeader(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	w := newWorld(ctx, t, coordinator.Config{})
	before := w.count(ctx, "KV_jetreduce-commits")
	js, err := jetstream.New(w.as("worker"))
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"$KV.jetreduce-commits.u1.end", "jetreduce.plans.u1.plan.0.1.w-1.0"} {
		msg := nats.NewMsg(subject)
		msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupAll)
		var refused *jetstream.APIError
		if _, err := js.PublishMsg(ctx, msg); !errors.As(err, &refused) {
			t.Errorf("%s: got %v, want a refusal", subject, err)
		}
	}
	if after := w.count(ctx, "KV_jetreduce-commits"); after != before {
		t.Errorf("the bucket has %d records, had %d", after, before)
	}
}

func (w *world) count(ctx context.Context, stream string) uint64 {
	w.t.Helper()
	found, err := w.js.Stream(ctx, stream)
	if err != nil {
		w.t.Fatal(err)
	}
	return found.CachedInfo().State.Msgs
}
