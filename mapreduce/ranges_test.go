package mapreduce_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func TestRangesHoldTheNumbersTheyWereMadeOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOf(rapid.IntRange(0, 40)).Draw(t, "a")
		b := rapid.SliceOf(rapid.IntRange(0, 40)).Draw(t, "b")
		in := map[int]bool{}
		for _, n := range append(append([]int{}, a...), b...) {
			in[n] = true
		}
		union := mapreduce.RangesOf(a...).Union(mapreduce.RangesOf(b...))
		if union.Count() != len(in) || len(union.Numbers()) != len(in) {
			t.Fatalf("%s: %d numbers, want %d", union, union.Count(), len(in))
		}
		for n := range 42 {
			if union.Has(n) != in[n] {
				t.Fatalf("%s has %d: %t", union, n, !in[n])
			}
		}
		for n := range 42 {
			if below := union.Below(20); below.Has(n) != (in[n] && n < 20) {
				t.Fatalf("%s below 20 is %s", union, below)
			}
		}
		coarse := union.Coarse(3)
		for n := range in {
			if !coarse.Has(n) || len(coarse) > 3 {
				t.Fatalf("%s made coarse is %s: without %d, or too long", union, coarse, n)
			}
		}
		text, err := json.Marshal(union)
		if err != nil {
			t.Fatal(err)
		}
		var back mapreduce.Ranges
		if err := json.Unmarshal(text, &back); err != nil || back.String() != union.String() {
			t.Fatalf("%s came back as %s: %v", union, back, err)
		}
	})
}

func TestRangesRefuseOtherSpellings(t *testing.T) {
	for _, text := range []string{"1-1", "2-1", "1,2", "3,1", "01", "-1", "1-", ",", "1,,2", "a", "0-1000000", "1 "} {
		var r mapreduce.Ranges
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, r)
		}
	}
	var r mapreduce.Ranges
	if err := r.UnmarshalText([]byte("0-3,7")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(mapreduce.Ranges{{From: 0, To: 3}, {From: 7, To: 7}}, r); diff != "" {
		t.Error(diff)
	}
}
