package tcp

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// words is how often each is met in a blob. It is dear, and so is made only when a tally has told that a reply is wrong. It takes what a
// mapper emits.
type words map[string]int64

func (w words) Emit(word, value []byte) {
	n, _ := binary.Varint(value)
	w[string(word)] += n
}

// odd says of one word how a histogram counts it otherwise. It remembers none that is not in the blob: there may be many.
func (w words) odd(histogram Histogram) string {
	got := make(words, len(w))
	for _, count := range histogram {
		if w[string(count.Word)] == 0 {
			return fmt.Sprintf("%.40q is not in it", count.Word)
		}
		got[string(count.Word)] += count.N
	}
	for _, word := range slices.Sorted(maps.Keys(w)) {
		if got[word] != w[word] {
			return fmt.Sprintf("%d for %.40q, not %d", got[word], word, w[word])
		}
	}
	return "no word is wrong"
}
