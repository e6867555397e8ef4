package coordinator

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// exactly is a quantile of all durations, by nearest rank.
func exactly(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)*percent+99)/100-1]
}

func TestQuantilesAreExactUpToSoManyAndThenWithinTheirBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var of sketch
		var all []time.Duration
		n := rapid.SampledFrom([]int{1, 2, 99, 100, maxExact, maxExact + 1, 3 * maxExact}).Draw(t, "n")
		longest := rapid.SampledFrom([]int64{1, 100, 1e6, 1e12, math.MaxInt64}).Draw(t, "longest")
		seed := rapid.Uint64().Draw(t, "seed")
		for range n {
			seed = seed*6364136223846793005 + 1442695040888963407
			d := time.Duration(int64(seed>>1) % longest)
			all = append(all, d)
			of.add(d)
		}
		slices.Sort(all)
		got := of.quantiles()
		if got.Min != all[0] || got.Max != all[n-1] {
			t.Fatalf("from %d to %d, want %d to %d", got.Min, got.Max, all[0], all[n-1])
		}
		for percent, got := range map[int]time.Duration{50: got.Median, 90: got.P90, 99: got.P99} {
			want := exactly(all, percent)
			if off := math.Abs(float64(got - want)); n <= maxExact && off > 0 || off > float64(want)/64 {
				t.Errorf("%d %% of %d take %d at most, want %d", percent, n, got, want)
			}
		}
	})
}

func TestSketchIsBounded(t *testing.T) {
	var of sketch
	for n := range 1_000_000 {
		of.add(time.Duration(n) * time.Microsecond)
	}
	if len(of.all) > 0 || len(of.ranges) > 2000 {
		t.Errorf("%d durations and %d ranges are kept of a million", len(of.all), len(of.ranges))
	}
}

func TestSampleIsEven(t *testing.T) {
	for _, n := range []int{1, maxSample, maxSample + 1, 12_345, 1_000_000} {
		var of sample
		for i := range n {
			of.offer(trial{n: i})
		}
		if len(of.kept) > maxSample || n > maxSample && len(of.kept) < maxSample/2 {
			t.Errorf("%d of %d are kept", len(of.kept), n)
		}
		for i, kept := range of.kept {
			if kept.n != i*(of.skip+1) {
				t.Fatalf("of %d the %dth that is kept is %d, want %d", n, i, kept.n, i*(of.skip+1))
			}
		}
	}
}

func TestHeapKeepsTheLargest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOf(rapid.IntRange(0, 50)).Draw(t, "all")
		h := heap[int]{most: rapid.IntRange(1, 20).Draw(t, "most"), less: func(a, b int) bool { return a < b }}
		var out []int
		for _, v := range all {
			if v, pushed := h.offer(v); pushed {
				out = append(out, v)
			}
		}
		slices.Sort(h.kept)
		slices.Sort(all)
		if want := all[len(all)-min(len(all), h.most):]; !slices.Equal(h.kept, want) && len(want) > 0 {
			t.Errorf("%v are kept of %v", h.kept, all)
		}
		if len(out)+len(h.kept) != len(all) {
			t.Errorf("%d came out and %d are kept of %d", len(out), len(h.kept), len(all))
		}
	})
}
