package bus_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

func TestSettingUpTwiceIsSettingUpOnce(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	before := streamsOf(t, s)
	if err := s.Bus().SetUp(ctx, bus.SetUp{Classes: []mapreduce.Class{bustest.Class}, AckWait: patience}); err != nil {
		t.Fatal(err)
	}
	if after := streamsOf(t, s); after != before {
		t.Errorf("streams %s became %s", before, after)
	}
}

// The records of a bus that ends with its process cost no files. What may be larger than memory still stands in some.
func TestFleetingBusKeepsRecordsInMemoryAndLanesInFiles(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.StartBare(t)
	b := s.Bus()
	if err := b.SetUp(ctx, bus.SetUp{Classes: []mapreduce.Class{bustest.Class}, Fleeting: true}); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(ctx); err != nil {
		t.Error(err)
	}
	kept := storagesOf(t, s)
	if plans, ok := kept["JETREDUCE_PLANS"]; !ok || plans != jetstream.FileStorage {
		t.Errorf("plans, which grow with the input, are kept as %v", plans)
	}
	delete(kept, "JETREDUCE_PLANS")
	if len(kept) != 5 || slices.Contains(slices.Collect(maps.Values(kept)), jetstream.FileStorage) {
		t.Errorf("the records are kept as %v, want five streams in memory", kept)
	}
	lane := mapreduce.Lane{UID: "u", Reader: mapreduce.Reduce, Generation: 1}
	if _, err := b.Storage().Make(ctx, []mapreduce.Lane{lane}); err != nil {
		t.Fatal(err)
	}
	if kept := storagesOf(t, s); kept["JETREDUCE_RUNS_u_1_0"] != jetstream.FileStorage || len(kept) != 7 {
		t.Errorf("with a lane the streams are kept as %v", kept)
	}
}

// storagesOf is how each stream is kept.
func storagesOf(t *testing.T, s *bustest.Server) map[string]jetstream.StorageType {
	t.Helper()
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]jetstream.StorageType{}
	list := js.ListStreams(deadline(t))
	for info := range list.Info() {
		all[info.Config.Name] = info.Config.Storage
	}
	if list.Err() != nil {
		t.Fatal(list.Err())
	}
	return all
}

// A newer jetreduce was here: what it made is named and left alone.
func TestStreamsOfAnotherVersionAreNamedAndNotTouched(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.StartBare(t)
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	theirs := jetstream.StreamConfig{
		Name: "JETREDUCE_TASKS", Subjects: []string{"jetreduce.tasks.>"}, Metadata: map[string]string{"jetreduce.version": "99"},
	}
	if _, err := js.CreateStream(ctx, theirs); err != nil {
		t.Fatal(err)
	}
	before := streamsOf(t, s)
	for what, err := range map[string]error{
		"a coordinator": s.Bus().SetUp(ctx, bus.SetUp{}),
		"a worker":      s.Bus().AwaitSetUp(ctx, bustest.Quiet()),
		"a client":      s.Bus().Check(ctx),
	} {
		if !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), `stream JETREDUCE_TASKS is of version "99"`) {
			t.Errorf("%s says: %v", what, err)
		}
	}
	if after := streamsOf(t, s); after != before {
		t.Errorf("streams %s became %s", before, after)
	}
}

// streamsOf is the names of all streams, and how they are configured.
func streamsOf(t *testing.T, s *bustest.Server) string {
	t.Helper()
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	list := js.ListStreams(deadline(t))
	for info := range list.Info() {
		all = append(all, info.Config.Name+" "+info.Config.Description+" "+info.Config.Metadata["jetreduce.version"])
	}
	if list.Err() != nil {
		t.Fatal(list.Err())
	}
	return strings.Join(all, "\n")
}

// Who stopped waiting has learned nothing.
func TestCallThatWasCutShortIsNotTheLastWord(t *testing.T) {
	t.Parallel()
	b := bustest.Start(t, patience).Bus()
	ctx, cancel := context.WithCancel(deadline(t))
	cancel()
	for what, err := range map[string]error{
		"set up": b.MakeResults(ctx), "store": b.Storage().StoreRoster(ctx, mapTask(0), [][]byte{{1}}),
	} {
		if !errors.Is(err, context.Canceled) || mapreduce.IsPermanent(err) {
			t.Errorf("%s: %v, permanent: %t", what, err, mapreduce.IsPermanent(err))
		}
	}
}

// A process that was killed leaves its probe behind.
func TestOldProbesAreSweptAndFreshOnesStay(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	if _, err := takeEpoch(ctx, b, "killed"); err != nil {
		t.Fatal(err)
	}
	storage := b.Storage()
	for age, want := range map[time.Duration]int{time.Hour: 1, 0: 0} {
		if _, err := b.Sight("killed").Look(ctx); err != nil {
			t.Fatal(err)
		}
		storage.Probes = age
		if err := storage.Sweep(ctx, nil); err != nil {
			t.Fatal(err)
		}
		info, err := stateStream(ctx, t, s.Conn()).Info(ctx, jetstream.WithSubjectFilter("$KV.jetreduce-state.>"))
		if err != nil {
			t.Fatal(err)
		}
		if len(info.State.Subjects) != 1+want {
			t.Errorf("after %s the bucket holds %v, want the epoch and %d probe", age, info.State.Subjects, want)
		}
	}
}
