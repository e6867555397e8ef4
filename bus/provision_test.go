package bus_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// provide sets up as `jetreduce setup` does, and returns what it says, by what things are.
func provide(ctx context.Context, t *testing.T, b *bus.Bus, shape bus.Shape, dry bool) map[string][]bus.Thing {
	t.Helper()
	said := map[string][]bus.Thing{}
	setUp := bus.SetUp{Classes: []mapreduce.Class{bustest.Class}, Shape: shape}
	if err := b.Provision(ctx, setUp, dry, func(thing bus.Thing) error {
		said[thing.Is] = append(said[thing.Is], thing)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return said
}

func TestProvisionMakesAllOnceAndDryMakesNothing(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.StartBare(t)
	b := s.Bus()
	dry := provide(ctx, t, b, bus.Shape{}, true)
	if streams := streamsOf(t, s); streams != "" || len(dry) != 1 {
		t.Errorf("dry, it says %v and makes %s", dry, streams)
	}
	made := provide(ctx, t, b, bus.Shape{}, false)
	if len(made) != 1 || len(made[bus.ThingMade]) != len(dry[bus.ThingMissing]) || len(made[bus.ThingMade]) < 8 {
		t.Errorf("it makes %v, and said before that it would make %v", made, dry)
	}
	before := streamsOf(t, s)
	again := provide(ctx, t, b, bus.Shape{}, false)
	if len(again) != 1 || len(again[bus.ThingThere]) != len(made[bus.ThingMade]) || streamsOf(t, s) != before {
		t.Errorf("the second time it says %v", again)
	}
	err := s.Bus().SetUp(ctx, bus.SetUp{Classes: []mapreduce.Class{bustest.Class}, Results: true})
	if err != nil || streamsOf(t, s) != before {
		t.Errorf("a coordinator makes more: %v", err)
	}
}

func TestManyProvisionsAtOnceAreHarmless(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.StartBare(t)
	var all sync.WaitGroup
	for range 6 {
		b := s.Bus()
		all.Go(func() {
			err := b.Provision(ctx, bus.SetUp{Classes: []mapreduce.Class{bustest.Class}}, false, func(bus.Thing) error { return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if said := provide(ctx, t, s.Bus(), bus.Shape{}, false); len(said) != 1 || len(said[bus.ThingThere]) < 8 {
		t.Errorf("then there is %v", said)
	}
}

// What is there is not changed, however it is.
func TestThingsThatDifferAreNamedAndLeftAlone(t *testing.T) {
	t.Parallel()
	ours, plans := map[string]string{"jetreduce.version": "1"}, []string{"jetreduce.plans.>"}
	for name, c := range map[string]struct {
		config jetstream.StreamConfig
		says   []string
	}{
		"forgets": {jetstream.StreamConfig{Name: "JETREDUCE_PLANS", Subjects: plans, MaxAge: 1e12}, []string{"older than", "--max-age 0s"}},
		"in memory": {jetstream.StreamConfig{Name: "JETREDUCE_PLANS", Subjects: plans, Storage: jetstream.MemoryStorage},
			[]string{"in memory", "nats stream rm JETREDUCE_PLANS"}},
		"elsewhere": {jetstream.StreamConfig{Name: "JETREDUCE_PLANS", Subjects: []string{"other"}},
			[]string{"takes other", "--subjects jetreduce.plans.>"}},
		"no queue": {jetstream.StreamConfig{Name: "JETREDUCE_TASKS", Subjects: []string{"jetreduce.tasks.>"}}, []string{"keeps messages by"}},
		"few": {jetstream.StreamConfig{Name: "JETREDUCE_PLANS", Subjects: plans, MaxMsgs: 9, Discard: jetstream.DiscardOld},
			[]string{"9 messages", "--max-msgs -1", "drops what is old", "--discard new"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, s := deadline(t), bustest.StartBare(t)
			js, err := jetstream.New(s.Conn())
			if err != nil {
				t.Fatal(err)
			}
			c.config.Metadata, c.config.MaxMsgsPerSubject = ours, 1
			stream, err := js.CreateStream(ctx, c.config)
			if err != nil {
				t.Fatal(err)
			}
			before := stream.CachedInfo().Config
			for _, dry := range []bool{true, false} {
				differ := provide(ctx, t, s.Bus(), bus.Shape{}, dry)[bus.ThingDiffers]
				if len(differ) != 1 || differ[0].Name != c.config.Name {
					t.Fatalf("dry %t: what differs is %v", dry, differ)
				}
				for _, word := range c.says {
					if !strings.Contains(differ[0].Seen+differ[0].Do, word) {
						t.Errorf("%v does not say %q", differ[0], word)
					}
				}
			}
			now, err := js.Stream(ctx, c.config.Name)
			if err != nil || !slices.Equal(now.CachedInfo().Config.Subjects, before.Subjects) || now.CachedInfo().Config.MaxAge != before.MaxAge {
				t.Errorf("it was changed: %v", err)
			}
		})
	}
}

func TestProvisionTouchesNothingOfAnotherVersion(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.StartBare(t)
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "JETREDUCE_PLANS", Subjects: []string{"jetreduce.plans.>"}, Metadata: map[string]string{"jetreduce.version": "99"},
	}); err != nil {
		t.Fatal(err)
	}
	before := streamsOf(t, s)
	for _, dry := range []bool{true, false} {
		err := s.Bus().Provision(ctx, bus.SetUp{}, dry, func(thing bus.Thing) error { t.Error(thing); return nil })
		mustSay(t, err, "JETREDUCE_PLANS", `version "99"`)
	}
	if after := streamsOf(t, s); after != before {
		t.Errorf("%s became %s", before, after)
	}
}

func TestReplicasOnOneServerAreRefused(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.StartBare(t)
	for _, shape := range []bus.Shape{{Replicas: 3}, {DataReplicas: 3}} {
		err := s.Bus().SetUp(ctx, bus.SetUp{Shape: shape})
		mustSay(t, err, "3 replicas", "one server", "cluster of three")
	}
	if streams := streamsOf(t, s); streams != "" {
		t.Errorf("it made %s", streams)
	}
}

// A bucket is known by its name, and bounded like all else; nothing old makes way for what is new.
func TestBoundIsOnEachStream(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.StartBare(t)
	b := s.Bus()
	provide(ctx, t, b, bus.Shape{MaxBytes: 1 << 20}, false)
	if err := b.Uploads().Make(ctx, "up"); err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	list := js.ListStreams(ctx)
	for info := range list.Info() {
		if info.Config.MaxBytes != 1<<20 || info.Config.Name != "JETREDUCE_HISTORY" && info.Config.Discard != jetstream.DiscardNew {
			t.Errorf("%s: %d bytes, %s", info.Config.Name, info.Config.MaxBytes, info.Config.Discard)
		}
	}
	if list.Err() != nil {
		t.Error(list.Err())
	}
	if differ := provide(ctx, t, s.Bus(), bus.Shape{MaxBytes: 2 << 20}, false)[bus.ThingDiffers]; len(differ) < 6 {
		t.Errorf("with another bound, these differ: %v", differ)
	}
}
