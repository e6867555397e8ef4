package tcp

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"

	"jetreduce/mapreduce"
)

// merging has the histograms of sorted groups merged by twos until one is left.
type merging struct {
	peer   *Peer
	groups []group
}

// share is a group's part of a histogram.
type share struct {
	group int
	n     int64
}

// all merges balanced: each histogram takes part in as few requests as can be. One alone is merged with an empty one, so that nothing
// is counted that no peer has counted.
func (m *merging) all(ctx context.Context) ([]share, error) {
	level := m.deal()
	if len(level) == 1 {
		level = append(level, nil)
	}
	for len(level) > 1 {
		var next [][]share
		for ; len(level) > 1; level = level[2:] {
			merged, err := m.two(ctx, level[0], level[1])
			if err != nil {
				return nil, err
			}
			next = append(next, merged)
		}
		level = append(next, level...)
	}
	return level[0], nil
}

// deal makes the histograms.
func (m *merging) deal() (level [][]share) {
	for i, group := range m.groups {
		for part, n := range group.sums {
			if part == len(level) {
				level = append(level, nil)
			}
			level[part] = append(level[part], share{i, n})
		}
	}
	return level
}

// two is one request. What must come of it is known, so a reply is right or it is not.
func (m *merging) two(ctx context.Context, a, b []share) ([]share, error) {
	want, ok := add(a, b)
	if !ok {
		return nil, mapreduce.Permanentf("counts whose sum is beyond 64 bits")
	}
	request := func(dst []byte) []byte { return appendReduceRequest(dst, m.histogram(a), m.histogram(b)) }
	reply := due{reduceReply, m.written(want), len(a) + len(b)}
	check := func(value Histogram) error { return m.check(value, want) }
	return want, m.peer.ask(ctx, one(m.peer.question(request, reply, check)))
}

func (m *merging) histogram(shares []share) Histogram {
	histogram := make(Histogram, len(shares))
	for i, share := range shares {
		histogram[i] = Count{m.groups[share.group].word, share.n}
	}
	return histogram
}

// written is how many bytes shares have as a reply of Python's.
func (m *merging) written(shares []share) (bytes int) {
	var aside [len(`9223372036854775807`)]byte
	for _, share := range shares {
		bytes += m.groups[share.group].written + len(strconv.AppendInt(aside[:0], share.n, 10)) + len(`[, ], `)
	}
	return bytes
}

// add merges two histograms, and reports whether the sums, and the sum of them, fit.
func add(a, b []share) (sum []share, fit bool) {
	sum = make([]share, 0, max(len(a), len(b)))
	for total := int64(0); len(a) > 0 || len(b) > 0; {
		var next share
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].group < b[0].group:
			next, a = a[0], a[1:]
		case len(a) == 0 || b[0].group < a[0].group:
			next, b = b[0], b[1:]
		case a[0].n > math.MaxInt64-b[0].n:
			return nil, false
		default:
			next = share{a[0].group, a[0].n + b[0].n}
			a, b = a[1:], b[1:]
		}
		if next.n > math.MaxInt64-total {
			return nil, false
		}
		total += next.n
		sum = append(sum, next)
	}
	return sum, true
}

// check reports how a reply is wrong. Its words may repeat, and come in any order; mostly they come in ours.
func (m *merging) check(value Histogram, want []share) error {
	got := make([]int64, len(want))
	places := sync.OnceValue(func() map[string]int { return m.places(want) })
	at := -1
	for _, count := range value {
		switch {
		case at >= 0 && m.is(want[at], count):
		case at+1 < len(want) && m.is(want[at+1], count):
			at++
		default:
			place, known := places()[string(count.Word)]
			if !known {
				return fmt.Errorf("%.40q was not in the request", count.Word)
			}
			at = place
		}
		got[at] += count.N
	}
	for i, share := range want {
		if got[i] != share.n {
			return fmt.Errorf("%d for %.40q, not %d", got[i], m.groups[share.group].word, share.n)
		}
	}
	return nil
}

func (m *merging) is(share share, count Count) bool {
	return string(m.groups[share.group].word) == string(count.Word)
}

func (m *merging) places(want []share) map[string]int {
	places := make(map[string]int, len(want))
	for i, share := range want {
		places[string(m.groups[share.group].word)] = i
	}
	return places
}
