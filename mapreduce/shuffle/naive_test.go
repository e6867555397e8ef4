package shuffle

import (
	"sort"

	"jetreduce/mapreduce"
)

// naive is a Keying, put simply.
type naive struct{ Keying }

func (n naive) order(key string) string {
	if n.Order == nil {
		return ""
	}
	return string(n.Order(nil, []byte(key)))
}

func (n naive) group(key string) string {
	if n.Group == nil {
		return key
	}
	return string(n.Group([]byte(key)))
}

func (n naive) partition(key string, partitions int) int {
	if n.Partition != nil {
		return n.Partition([]byte(key), partitions)
	}
	return Partition([]byte(n.group(key)), partitions)
}

func (n naive) sort(pairs []pair) {
	sort.SliceStable(pairs, func(i, j int) bool {
		a, b := pairs[i].key, pairs[j].key
		if x, y := n.order(a), n.order(b); x != y {
			return x < y
		}
		return a < b
	})
}

// run is what one task hands to a partition.
func (n naive) run(pairs []pair, combiner mapreduce.Combiner, partition, partitions int) (run []pair) {
	mine := []pair{}
	for _, p := range pairs {
		if n.partition(p.key, partitions) == partition {
			mine = append(mine, p)
		}
	}
	n.sort(mine)
	for _, p := range mine {
		last := len(run) - 1
		if combiner != nil && last >= 0 && run[last].key == p.key {
			run[last].value = string(combiner.Combine([]byte(run[last].value), []byte(p.value)))
			continue
		}
		run = append(run, p)
	}
	return run
}

// bundle is a group: the key that it comes with, and its values.
type bundle struct {
	key    string
	values []string
}

func (n naive) bundles(pairs []pair) (bundles []bundle) {
	last := ""
	for _, p := range pairs {
		if group := n.group(p.key); len(bundles) == 0 || group != last {
			bundles, last = append(bundles, bundle{key: p.key}), group
		}
		b := &bundles[len(bundles)-1]
		b.values = append(b.values, p.value)
	}
	return bundles
}
