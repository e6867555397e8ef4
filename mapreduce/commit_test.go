package mapreduce_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func TestDigestIsSixteenDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digest := mapreduce.Digest(rapid.Uint64().Draw(t, "digest"))
		text, err := digest.MarshalText()
		if err != nil || len(text) != 16 {
			t.Fatalf("%d is written %q, error %v", digest, text, err)
		}
		var got mapreduce.Digest
		if err := got.UnmarshalText(text); err != nil || got != digest {
			t.Fatalf("%q read as %x, error %v", text, got, err)
		}
	})
}

// Digests are compared to tell whether two outputs are the same: one that was damaged must not read as another.
func TestWhatIsNoDigestIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "0", "00000000000000f", "00000000000000ff0", "00000000000000ffzz", " 0000000000000ff", "0x000000000000ff",
		"-0000000000000ff", "+0000000000000ff", "00000000000000FF", "00000000000000fg", "000000000000_0ff",
	} {
		var digest mapreduce.Digest
		if err := digest.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q read as %x", text, digest)
		}
	}
}

func TestCommitReadsAsItWasWritten(t *testing.T) {
	for _, commit := range []mapreduce.Commit{
		{
			Version: 1, Task: mapreduce.TaskID{UID: "u", Phase: mapreduce.Map, N: 3, Generation: 1}, Attempt: mapreduce.Attempt{Worker: "w", N: 2},
			Counts: mapreduce.Counts{Bytes: 1, Records: 2}, Digest: 0xff,
		},
		{
			Version: 1, Task: mapreduce.TaskID{UID: "u", Phase: mapreduce.Plan, Generation: 1}, Attempt: mapreduce.Attempt{Worker: "w", N: 1},
			Plan: &mapreduce.PlanSummary{Splits: 2, Bytes: 10, Inputs: 1, Firsts: []int{0}},
		},
	} {
		text, err := json.Marshal(commit)
		if err != nil {
			t.Fatal(err)
		}
		var got mapreduce.Commit
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(commit, got); diff != "" {
			t.Errorf("%s: written - read +\n%s", text, diff)
		}
	}
}

func TestCountsAddUp(t *testing.T) {
	sum := mapreduce.Counts{Bytes: 1, Records: 2, Groups: 3, Rows: 4}.Plus(mapreduce.Counts{Bytes: 10, Records: 20, Groups: 30, Rows: 40})
	if want := (mapreduce.Counts{Bytes: 11, Records: 22, Groups: 33, Rows: 44}); sum != want {
		t.Errorf("got %+v, want %+v", sum, want)
	}
}
