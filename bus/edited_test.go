package bus_test

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// edit changes a stream as `nats stream edit` does.
func edit(ctx context.Context, t *testing.T, url, name string, change func(*jetstream.StreamConfig)) {
	t.Helper()
	js := jetStreamOf(t, connect(ctx, t, url))
	stream, err := js.Stream(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	change(&config)
	if _, err := js.UpdateStream(ctx, config); err != nil {
		t.Fatal(err)
	}
}

// A stream of submitted jobs that drops the oldest when a sixth is stored acknowledges jobs that nobody will ever run.
func TestEditedStreamIsSaidByDoctorAndCoordinator(t *testing.T) {
	t.Parallel()
	const forgetful, edited = "a stream was edited, and may lose what it has acknowledged", "a stream was edited"
	ctx := deadline(t)
	url, b := settled(t)
	said := newWords()
	again := bus.SetUp{Classes: []mapreduce.Class{bustest.Class}, Results: true, Log: said.log()}
	start := func(wantForgetful, wantEdited int) {
		t.Helper()
		if err := b.SetUp(ctx, again); err != nil {
			t.Fatal(err)
		}
		if f, e := said.count(forgetful), said.count(edited); f != wantForgetful || e != wantEdited {
			t.Errorf("the coordinator has said %d and %d times that a stream was edited, want %d and %d", f, e, wantForgetful, wantEdited)
		}
	}
	start(0, 0)
	examine(t, doctor(url)).mustSay(t, bus.LevelOK, "settings")
	edit(ctx, t, url, "JETREDUCE_JOBS", func(c *jetstream.StreamConfig) { c.MaxMsgs, c.Discard = 5, jetstream.DiscardOld })
	start(1, 0)
	examine(t, doctor(url)).mustSay(t, bus.LevelUnsafe, "settings", "JETREDUCE_JOBS", "drops what is old", "5 messages",
		"nats stream edit JETREDUCE_JOBS", "--discard new", "--max-msgs -1")
	edit(ctx, t, url, "JETREDUCE_JOBS", func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardNew })
	start(1, 1)
	examine(t, doctor(url)).mustSay(t, bus.LevelWarning, "settings", "JETREDUCE_JOBS", "5 messages", "--max-msgs -1")
}

// All submissions have one subject.
func TestStreamOfJobsThatKeepsOneOfASubjectIsSaid(t *testing.T) {
	t.Parallel()
	url, _ := settled(t)
	edit(deadline(t), t, url, "JETREDUCE_JOBS", func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 })
	examine(t, doctor(url)).mustSay(t, bus.LevelUnsafe, "settings", "JETREDUCE_JOBS", "keeps 1 message of a subject", "--max-msgs-per-subject=-1")
}

// What somebody has asked for is not said to be wrong.
func TestBoundThatWasAskedForIsNoEdit(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	host := startHost(t, bus.HostConfig{Store: t.TempDir(), Addr: anyPort, Durable: true})
	b, said := busAt(t, host.URL()), newWords()
	for range 2 {
		if err := b.SetUp(ctx, bus.SetUp{Results: true, Shape: bus.Shape{MaxBytes: 64 << 20}, Log: said.log()}); err != nil {
			t.Fatal(err)
		}
	}
	examine(t, doctor(host.URL())).mustSay(t, bus.LevelOK, "settings")
	if n := said.count("a stream was edited") + said.count("a stream was edited, and may lose what it has acknowledged"); n > 0 {
		t.Errorf("the coordinator says %d times that a stream was edited", n)
	}
}
