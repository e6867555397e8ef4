package processtest_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// stranger is JetStream as a stranger sees it.
func stranger(t *testing.T, m *processtest.Machine) (context.Context, jetstream.JetStream) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), processtest.Limit)
	t.Cleanup(cancel)
	nc, err := bus.Connect(ctx, bus.ConnectConfig{URL: m.URL(), Wait: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return ctx, js
}

// commits are what was committed for a phase of a submission: by key, the record's revision.
func commits(t *testing.T, m *processtest.Machine, uid mapreduce.UID, phase mapreduce.Phase) map[string]uint64 {
	t.Helper()
	ctx, js := stranger(t, m)
	kv, err := js.KeyValue(ctx, "jetreduce-commits")
	if err != nil {
		t.Fatal(err)
	}
	watcher, err := kv.Watch(ctx, fmt.Sprintf("%s.%s.*.*", uid, phase))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = watcher.Stop() }()
	all := map[string]uint64{}
	for entry := range watcher.Updates() {
		if entry == nil { // that was all that there is
			break
		}
		all[entry.Key()] = entry.Revision()
	}
	return all
}

// remains is all on the bus that has the name of a submission in it: streams, keys and objects.
func remains(t *testing.T, m *processtest.Machine, uid mapreduce.UID) []string {
	t.Helper()
	ctx, js := stranger(t, m)
	var all []string
	names := js.StreamNames(ctx)
	for name := range names.Name() {
		all = append(all, "stream "+name)
	}
	if err := names.Err(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"KV_jetreduce-state", "KV_jetreduce-commits", "OBJ_jetreduce-out", "JETREDUCE_PLANS", "JETREDUCE_TASKS"} {
		all = append(all, subjects(ctx, t, js, name)...)
	}
	slices.Sort(all)
	return slices.DeleteFunc(all, func(name string) bool { return !strings.Contains(name, string(uid)) })
}

func subjects(ctx context.Context, t *testing.T, js jetstream.JetStream, name string) []string {
	t.Helper()
	stream, err := js.Stream(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for subject := range info.State.Subjects {
		all = append(all, subject)
	}
	return all
}

// content reads an object of the bucket of results; false: there is none of that name.
func content(t *testing.T, m *processtest.Machine, name string) (string, bool) {
	t.Helper()
	ctx, js := stranger(t, m)
	store, err := js.ObjectStore(ctx, "jetreduce-out")
	if err != nil {
		t.Fatal(err)
	}
	object, err := store.Get(ctx, name)
	if err != nil {
		return "", false
	}
	text, err := io.ReadAll(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), true
}
