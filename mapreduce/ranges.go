package mapreduce

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Ranges is a set of task numbers, ascending and with gaps between them; as text "0-3,7". A million numbers in a row cost
// one range.
type Ranges []Range

// Range is the numbers from From to To, both included.
type Range struct{ From, To int }

// RangesOf makes a set of numbers in any order.
func RangesOf(numbers ...int) Ranges {
	sorted := slices.Sorted(slices.Values(numbers))
	var r Ranges
	for _, n := range sorted {
		r = r.join(Range{n, n})
	}
	return r
}

// join adds a range that does not begin before the last one does.
func (r Ranges) join(next Range) Ranges {
	if last := len(r) - 1; last >= 0 && next.From <= r[last].To+1 {
		r[last].To = max(r[last].To, next.To)
		return r
	}
	return append(r, next)
}

// Union is the numbers of both.
func (r Ranges) Union(other Ranges) Ranges {
	all := slices.SortedFunc(slices.Values(slices.Concat(r, other)), func(a, b Range) int { return a.From - b.From })
	var union Ranges
	for _, next := range all {
		union = union.join(next)
	}
	return union
}

// Has reports whether n is one of the numbers.
func (r Ranges) Has(n int) bool {
	_, found := slices.BinarySearchFunc(r, n, func(at Range, n int) int {
		switch {
		case at.To < n:
			return -1
		case at.From > n:
			return 1
		}
		return 0
	})
	return found
}

// Count is how many numbers there are.
func (r Ranges) Count() int {
	n := 0
	for _, at := range r {
		n += at.To - at.From + 1
	}
	return n
}

// Numbers lists them, ascending.
func (r Ranges) Numbers() []int {
	numbers := make([]int, 0, r.Count())
	for _, at := range r {
		for n := at.From; n <= at.To; n++ {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// Below is those of the numbers that are less than n.
func (r Ranges) Below(n int) Ranges {
	var below Ranges
	for _, at := range r {
		if at.From < n {
			below = append(below, Range{at.From, min(at.To, n-1)})
		}
	}
	return below
}

// Coarse is a set of at most that many ranges that holds all the numbers: a scattered set must still fit a message.
func (r Ranges) Coarse(most int) Ranges {
	for gap := 1; len(r) > most; gap *= 2 {
		var coarser Ranges
		for _, next := range r {
			if last := len(coarser) - 1; last >= 0 && next.From-coarser[last].To <= gap {
				next.From = coarser[last].To
			}
			coarser = coarser.join(next)
		}
		r = coarser
	}
	return r
}

// String is "0-3,7".
func (r Ranges) String() string {
	parts := make([]string, len(r))
	for i, at := range r {
		parts[i] = strconv.Itoa(at.From)
		if at.To > at.From {
			parts[i] += "-" + strconv.Itoa(at.To)
		}
	}
	return strings.Join(parts, ",")
}

// MarshalText makes Ranges text in JSON.
func (r Ranges) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote, and refuses anything else: other spellings, disorder, and numbers that no
// task has.
func (r *Ranges) UnmarshalText(text []byte) error {
	*r = nil
	if len(text) == 0 {
		return nil
	}
	for part := range strings.SplitSeq(string(text), ",") {
		next, err := parseRange(part)
		if last := len(*r) - 1; err == nil && last >= 0 && next.From <= (*r)[last].To+1 {
			err = errors.New("not ascending, or without a gap")
		}
		if err != nil {
			*r = nil
			return fmt.Errorf("parse ranges %.100q: %w", text, err)
		}
		*r = append(*r, next)
	}
	return nil
}

func parseRange(part string) (Range, error) {
	first, last, found := strings.Cut(part, "-")
	from, err := decimal(first, 31)
	to := from
	if err == nil && found {
		to, err = decimal(last, 31)
	}
	if err == nil && (to >= MaxSplits || found && to <= from) {
		err = fmt.Errorf("no range %q", part)
	}
	return Range{int(from), int(to)}, err
}
