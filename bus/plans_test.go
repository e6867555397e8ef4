package bus_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

func TestPlansAndRostersAreKept(t *testing.T) {
	t.Parallel()
	ctx, b := deadline(t), bustest.Start(t, patience).Bus()
	plan := mapreduce.TaskID{UID: "u1", Phase: mapreduce.Plan, Generation: 1}
	ref := mapreduce.PlanRef{Plan: plan, Attempt: attempt(1), Chunk: 2, Index: 5}
	chunk := mapreduce.PlanChunk{Version: 1, Sources: []mapreduce.Source{{Name: "/x", Size: 9}}, Splits: [][][3]int64{{{0, 0, 9}}}}
	if err := b.Plans().Store(ctx, ref, chunk); err != nil {
		t.Fatal(err)
	}
	got, err := b.Plans().Load(ctx, ref)
	if diff := cmp.Diff(chunk, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	other := ref
	other.Attempt = attempt(2)
	if _, err := b.Plans().Load(ctx, other); err == nil {
		t.Error("another attempt's plan was found")
	}
	stored := mapreduce.RosterRef{Tasks: 2, Stored: mapTask(0), Chunks: 2}
	if err := b.Storage().StoreRoster(ctx, stored.Stored, [][]byte{[]byte("ab"), []byte("c")}); err != nil {
		t.Fatal(err)
	}
	if packed, err := b.Plans().Roster(ctx, stored); err != nil || string(packed) != "abc" {
		t.Errorf("roster %q: %v", packed, err)
	}
}
