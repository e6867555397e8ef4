package clustertest_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"jetreduce/internal/clustertest"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// A program that is not deterministic, and a map that runs twice: the result is still made of one attempt of each map,
// whole, whichever was first to commit.
func TestAttemptsThatDifferAreNeverMixed(t *testing.T) {
	for _, point := range []clustertest.Point{clustertest.Pulled, clustertest.Published, clustertest.Committed} {
		for _, dies := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/dies=%t", point, dies), func(t *testing.T) {
				t.Parallel()
				repeatAndCompare(t, clustertest.NewFault(mapreduce.Map, point, dies))
			})
		}
	}
}

func repeatAndCompare(t *testing.T, fault *clustertest.Fault) {
	const files = 3
	program := &fickle{}
	cluster := clustertest.Cluster{Workers: 2, Refit: fault.Refit, Programs: []mapreduce.Program{{
		Name: "fickle", Mapper: program.mapper, Reducer: passing(t),
	}}}
	status, got := cluster.Run(t, mapreduce.Job{
		Program: "fickle", Inputs: clustertest.WriteFiles(t, "a\n", "b\n", "c\n"), SplitSize: 1, Reduces: 4,
	})
	done(t, status)
	if hit, _ := fault.Struck(); !hit {
		t.Error("the fault never struck: this test tested nothing")
	}
	// What is committed need not be done again, and else the job may end before the map comes again.
	certain := fault.Point == clustertest.Published || fault.Point == clustertest.Pulled && !fault.Dies
	if n := program.attempts.Load(); n <= files && certain {
		t.Errorf("%d attempts of %d maps: none ran twice", n, files)
	}
	rows := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	attempts := map[string]string{} // of each input, the one whose pairs are in the result
	for i, row := range rows {
		key, attempt, _ := strings.Cut(row, "\t")
		source, _, _ := strings.Cut(key, "#")
		if first, known := attempts[source]; known && first != attempt {
			t.Errorf("row %d, %q, is of attempt %s, others of that input are of %s", i, key, attempt, first)
		}
		attempts[source] = attempt
	}
	if len(rows) != files*pairsEach || len(attempts) != files {
		t.Errorf("%d rows of %d inputs, want %d of %d: %q", len(rows), len(attempts), files*pairsEach, files, got)
	}
}

// pairsEach is how many pairs a fickle map emits: enough for all partitions.
const pairsEach = 20

// fickle is a program whose every attempt emits other values: its own number.
type fickle struct{ attempts atomic.Int64 }

func (f *fickle) mapper(map[string]string) (mapreduce.Mapper, error) {
	return numbered(f.attempts.Add(1)), nil
}

type numbered int64

func (n numbered) Map(_ context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	for i := range pairsEach {
		out.Emit(fmt.Appendf(nil, "%s#%d", filepath.Base(batch.Source), i), fmt.Append(nil, int64(n)))
	}
	return nil
}

// passing is the reducer that passes every value on.
func passing(t *testing.T) func(map[string]string) (mapreduce.Reducer, error) {
	t.Helper()
	set, err := programs.NewSet(programs.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := set.Find("identity")
	if err != nil {
		t.Fatal(err)
	}
	return identity.Reducer
}
