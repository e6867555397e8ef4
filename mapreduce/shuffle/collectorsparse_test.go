package shuffle

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"jetreduce/mapreduce"
)

// TestSparseRosterWantsSomeRuns: of a task without an attempt nothing is waited for, and nothing is taken.
func TestSparseRosterWantsSomeRuns(t *testing.T) {
	c := NewCollector(CollectorConfig{Roster: mapreduce.Roster{{}, attempt(1), {}, {}}, Sparse: true})
	for task := range 3 {
		if c.Complete() != (task > 1) {
			t.Errorf("complete %v, before the run of %d", c.Complete(), task)
		}
		runs, _ := flushed(t, SorterConfig{}, RunOwner{task, attempt(1)}, []pair{{"key", fmt.Sprint("of ", task)}})
		for _, chunk := range runs[0] {
			if err := c.Add(chunk); err != nil {
				t.Fatal(err)
			}
		}
	}
	m, err := c.Merge(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got, want := read(t, m), []pair{{"key", "of 1"}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestSparseRosterNamesWhatIsWanted: lost is what was asked for, and no other.
func TestSparseRosterNamesWhatIsWanted(t *testing.T) {
	roster := mapreduce.Roster{{}, attempt(1), {}}
	for sparse, want := range map[bool][]int{true: {1}, false: {0, 1, 2}} {
		c := NewCollector(CollectorConfig{Roster: roster, Sparse: sparse})
		_, err := c.Merge(t.Context())
		var lost mapreduce.RunsLost
		if !errors.As(err, &lost) || !slices.Equal(lost.Tasks, want) {
			t.Errorf("sparse %v: %v, want that the runs of %v are missing", sparse, err, want)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestSparseRosterOfNobodyIsEmpty: it is all there, and holds nothing.
func TestSparseRosterOfNobodyIsEmpty(t *testing.T) {
	m := merged(t, CollectorConfig{Roster: make(mapreduce.Roster, 3), Sparse: true}, nil)
	defer m.Close()
	if got := read(t, m); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}
