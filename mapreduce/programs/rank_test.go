package programs_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/mapreducetest"
)

func TestTopIsTheMostFrequentFirst(t *testing.T) {
	got := one(t, "top", map[string]string{"n": "3"}, strings.Repeat("b x\na\nc\nb\nd\n", 4)+"a\nc\nc\n")
	if diff := cmp.Diff("b\t8\nc\t6\na\t5\n", got.Text()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := one(t, "top", nil, "b\na\n"); got.Text() != "a\t1\nb\t1\n" {
		t.Errorf("fewer than ten: %q", got.Rows)
	}
	if program := programNamed(t, "top"); program.Reduces != 1 || program.Order != "emitted" {
		t.Errorf("a top of %d partitions, in order %q", program.Reduces, program.Order)
	}
}

// Top is the head of freq, sorted by count.
func TestTopIsTheHeadOfFreq(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		lines := rapid.SliceOf(rapid.SampledFrom([]string{"a", "b", "c", "aa", "", "b a"})).Draw(r, "lines")
		n := rapid.IntRange(1, 6).Draw(r, "n")
		counts := map[string]int{}
		for _, line := range lines {
			counts[line]++
		}
		values := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
			if counts[a] != counts[b] {
				return counts[b] - counts[a]
			}
			return strings.Compare(a, b)
		})
		var want [][2]string
		for _, value := range values[:min(n, len(values))] {
			want = append(want, [2]string{value, fmt.Sprint(counts[value])})
		}
		text := strings.Join(lines, "\n")
		if len(lines) > 0 {
			text += "\n"
		}
		got := one(t, "top", map[string]string{"n": fmt.Sprint(n), "field": "0"}, text)
		if diff := cmp.Diff(want, got.Rows); diff != "" {
			r.Fatalf("-want +got:\n%s", diff)
		}
	})
}

func TestDistinctIsEachOnceInTheOrderOfBytes(t *testing.T) {
	const text = "b 1 x\na 2 x\n\nb 1 x\nb 3 y\na 9\n"
	for _, c := range []struct {
		args map[string]string
		want [][2]string
		left mapreduce.Counters
	}{
		{nil, [][2]string{{"", ""}, {"a 2 x", ""}, {"a 9", ""}, {"b 1 x", ""}, {"b 3 y", ""}}, nil},
		{map[string]string{"fields": "3,1"}, [][2]string{{"x a", ""}, {"x b", ""}, {"y b", ""}},
			mapreduce.Counters{"distinct,left out: no field 3": 2}},
		{map[string]string{"pattern": "[ab]"}, [][2]string{{"a", ""}, {"b", ""}}, mapreduce.Counters{"distinct,left out: no match": 1}},
	} {
		got := one(t, "distinct", c.args, text)
		if diff := cmp.Diff(c.want, got.Rows); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.args, diff)
		}
		if diff := cmp.Diff(c.left, got.Counters); diff != "" {
			t.Errorf("%v, counters (-want +got):\n%s", c.args, diff)
		}
	}
}

func TestIndexListsPlacesOnceAndSorted(t *testing.T) {
	inputs := map[string]string{
		"b.txt":      "The fox\nof the den\n" + strings.Repeat("fox\n", 3),
		"a file.txt": "fox!\n\nx\x01 X\n",
		"tab\t.txt":  "den",
	}
	for _, c := range []struct{ where, want string }{
		{"file", "den\tb.txt\ttab%09.txt\nfox\ta file.txt\tb.txt\nof\tb.txt\nthe\tb.txt\nx\ta file.txt\nx\x01\ta file.txt\n"},
		{"offset", "den\tb.txt:8\ttab%09.txt:0\nfox\ta file.txt:0\tb.txt:0\tb.txt:19\tb.txt:23\tb.txt:27\n" +
			"of\tb.txt:8\nthe\tb.txt:0\tb.txt:8\nx\ta file.txt:6\nx\x01\ta file.txt:6\n"},
	} {
		config := mapreducetest.Config{Args: map[string]string{"where": c.where}, Inputs: inputs}
		if diff := cmp.Diff(c.want, mapreducetest.Run(t, programNamed(t, "index"), config).Text()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.where, diff)
		}
	}
}

// The places of a word come in the order of inputs and offsets, as numbers.
func TestIndexSortsOffsetsAsNumbers(t *testing.T) {
	var want []string
	for i := range 300 {
		want = append(want, fmt.Sprintf("in.txt:%d", 2*i))
	}
	got := one(t, "index", map[string]string{"where": "offset"}, strings.Repeat("a\n", 300))
	if diff := cmp.Diff([][2]string{{"a", strings.Join(want, "\t")}}, got.Rows); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
