package mapreduce_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/mapreduce"
)

func TestChunkGivesTheSplitsOfItsSources(t *testing.T) {
	a, b := mapreduce.Source{Name: "a", Size: 10, Identity: "1"}, mapreduce.Source{Name: "b", Size: 0, Identity: "2"}
	chunk := mapreduce.PlanChunk{
		Version: mapreduce.RecordVersion, Sources: []mapreduce.Source{a, b},
		Splits: [][][3]int64{{{0, 0, 4}}, {{0, 4, 6}, {1, 0, 0}}, {}},
	}
	want := []mapreduce.Split{{{Source: a, Length: 4}}, {{Source: a, Offset: 4, Length: 6}, {Source: b}}, {}}
	for i, split := range want {
		got, err := chunk.Split(i)
		if diff := cmp.Diff(split, got); err != nil || diff != "" {
			t.Errorf("split %d: error %v, want - got +\n%s", i, err, diff)
		}
		if got.Bytes() != []int64{4, 6, 0}[i] {
			t.Errorf("split %d has %d bytes", i, got.Bytes())
		}
	}
}

func TestRangesThatNoPlanHoldsAreRefused(t *testing.T) {
	for name, piece := range map[string][3]int64{
		"no such source":        {1, 0, 1},
		"source below 0":        {-1, 0, 1},
		"offset below 0":        {0, -1, 1},
		"length below 0":        {0, 1, -1},
		"offset past the end":   {0, 11, 0},
		"end past the end":      {0, 5, 6},
		"offset at the most":    {0, math.MaxInt64, 1},
		"end that overflows":    {0, 10, math.MaxInt64},
		"length at the least":   {0, 0, math.MinInt64},
		"source at the largest": {math.MaxInt64, 0, 1},
	} {
		chunk := mapreduce.PlanChunk{
			Version: mapreduce.RecordVersion, Sources: []mapreduce.Source{{Name: "a", Size: 10}}, Splits: [][][3]int64{{{0, 0, 1}, piece}},
		}
		if split, err := chunk.Split(0); err == nil {
			t.Errorf("%s: read as %v", name, split)
		}
	}
}

func TestChunkOfAnotherVersionIsRefused(t *testing.T) {
	chunk := mapreduce.PlanChunk{Version: mapreduce.RecordVersion + 1, Splits: [][][3]int64{{}}}
	if _, err := chunk.Split(0); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("error %v", err)
	}
}

func FuzzPlanChunk(f *testing.F) {
	f.Add([]byte(`{"v":1,"sources":[{"name":"a","size":10,"identity":"x"}],"splits":[[[0,0,4]],[[0,4,6]]]}`), 1)
	f.Add([]byte(`{"v":1,"sources":[{"name":"a","size":-1}],"splits":[[[0,0,0]]]}`), 0)
	f.Add([]byte(`{"v":1,"sources":null,"splits":[[[0,0,0]],null]}`), 0)
	f.Add([]byte(`{"v":1,"sources":[{"size":9223372036854775807}],"splits":[[[0,1,9223372036854775807]]]}`), 0)
	f.Add([]byte(`{"v":1}`), -1)
	f.Fuzz(func(t *testing.T, text []byte, i int) {
		var chunk mapreduce.PlanChunk
		if json.Unmarshal(text, &chunk) != nil {
			return
		}
		split, err := chunk.Split(i)
		if err != nil {
			return
		}
		for _, piece := range split {
			if piece.Offset < 0 || piece.Length < 0 || piece.Offset+piece.Length < 0 || piece.Offset+piece.Length > piece.Source.Size {
				t.Fatalf("split %d has %+v", i, piece)
			}
		}
	})
}

func TestSummaryWhoseChunksCannotBeIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		summary mapreduce.PlanSummary
		good    bool
	}{
		"nothing":               {mapreduce.PlanSummary{}, true},
		"one chunk":             {mapreduce.PlanSummary{Splits: 3, Firsts: []int{0}}, true},
		"three chunks":          {mapreduce.PlanSummary{Splits: 3, Firsts: []int{0, 1, 2}}, true},
		"the most":              {mapreduce.PlanSummary{Splits: mapreduce.MaxSplits, Firsts: []int{0}}, true},
		"too many":              {mapreduce.PlanSummary{Splits: mapreduce.MaxSplits + 1, Firsts: []int{0}}, false},
		"fewer than none":       {mapreduce.PlanSummary{Splits: -1}, false},
		"splits without chunks": {mapreduce.PlanSummary{Splits: 1}, false},
		"chunks without splits": {mapreduce.PlanSummary{Firsts: []int{0}}, false},
		"begins late":           {mapreduce.PlanSummary{Splits: 3, Firsts: []int{1}}, false},
		"begins below 0":        {mapreduce.PlanSummary{Splits: 3, Firsts: []int{-1, 0}}, false},
		"an empty chunk":        {mapreduce.PlanSummary{Splits: 3, Firsts: []int{0, 1, 1}}, false},
		"descends":              {mapreduce.PlanSummary{Splits: 3, Firsts: []int{0, 2, 1}}, false},
		"chunk past the end":    {mapreduce.PlanSummary{Splits: 3, Firsts: []int{0, 3}}, false},
	} {
		if err := test.summary.Check(); (err == nil) != test.good {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
