package coordinator

import (
	"math/bits"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// sketch is the durations of very many attempts in little room: all of them as long as they are few, and then how many there are in
// each of some ranges, of which each is at most 1/32 as wide as where it begins. So a quantile is exact up to 2048 attempts, and
// after that off by 1/64 at most. The shortest and the longest are always exact.
type sketch struct {
	n        int
	min, max time.Duration
	all      []time.Duration
	ranges   []uint32 // instead; by rangeOf
}

// maxExact is how many durations a sketch keeps as they are.
const maxExact = 2048

func (s *sketch) add(d time.Duration) {
	d = max(d, 0)
	if s.n == 0 || d < s.min {
		s.min = d
	}
	s.max = max(s.max, d)
	s.n++
	if s.ranges == nil && len(s.all) < maxExact {
		s.all = append(s.all, d)
		return
	}
	if s.ranges == nil {
		s.ranges = make([]uint32, rangeOf(1<<63-1)+1)
		for _, d := range s.all {
			s.ranges[rangeOf(d)]++
		}
		s.all = nil
	}
	s.ranges[rangeOf(d)]++
}

// fine is the number of bits behind the first that tell ranges apart.
const fine = 5

// rangeOf is the number of the range that a duration is in: those under 64 ns are ranges of their own, behind that there are 32 for
// each power of two.
func rangeOf(d time.Duration) int {
	shift := max(0, bits.Len64(uint64(d))-1-fine)
	return shift<<fine + int(uint64(d)>>shift)
}

// middle is the middle of a range.
func middle(i int) time.Duration {
	shift := max(0, i>>fine-1)
	return time.Duration(i-shift<<fine)<<shift + time.Duration(1)<<shift/2
}

// quantiles are those of all durations, by nearest rank.
func (s *sketch) quantiles() mapreduce.Quantiles {
	if s.n == 0 {
		return mapreduce.Quantiles{}
	}
	sorted := slices.Sorted(slices.Values(s.all))
	return mapreduce.Quantiles{
		Min: s.min, Median: s.quantile(sorted, 50), P90: s.quantile(sorted, 90), P99: s.quantile(sorted, 99), Max: s.max,
	}
}

// quantile is the duration that so many percent do not exceed.
func (s *sketch) quantile(sorted []time.Duration, percent int) time.Duration {
	rank := (s.n*percent + 99) / 100
	if s.ranges == nil {
		return sorted[rank-1]
	}
	for i, n := range s.ranges {
		if rank -= int(n); rank <= 0 {
			return min(max(middle(i), s.min), s.max)
		}
	}
	return s.max
}
