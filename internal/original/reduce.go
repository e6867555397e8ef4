package original

import (
	"cmp"
	"slices"

	"jetreduce/mapreduce/output"
)

// collator compares words as the originals do: pt_PT, then bytes.
type collator struct {
	order *output.Order
	keys  map[string]string
}

func (c collator) key(word string) string {
	key, known := c.keys[word]
	if !known {
		key = string(c.order.AppendKey(nil, []byte(word)))
		c.keys[word] = key
	}
	return key
}

func (c collator) compare(a, b Count) int { return cmp.Compare(c.key(a.Word), c.key(b.Word)) }

func (c collator) sort(histogram Histogram) { slices.SortStableFunc(histogram, c.compare) }

// reduced merges two histograms. Its answer is right only if both are sorted, and neither repeats a word whose counts are above 1.
func reduced(a, b Histogram, order collator) Histogram {
	merged, rest := folded(a), Histogram{}
	for _, count := range folded(b) {
		at, found := slices.BinarySearchFunc(merged, count, order.compare)
		if found {
			merged[at].N += count.N
		} else {
			rest = append(rest, count)
		}
	}
	merged = append(merged, rest...)
	order.sort(merged)
	return merged
}

// folded adds 1 for each neighbour that repeats a word, whatever that one's count.
func folded(histogram Histogram) Histogram {
	out := Histogram{}
	for _, count := range histogram {
		if last := len(out) - 1; last >= 0 && out[last].Word == count.Word {
			out[last].N++
			continue
		}
		out = append(out, count)
	}
	return out
}
