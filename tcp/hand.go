package tcp

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"jetreduce/mapreduce"
)

// hand does what a worker is asked for. Its answers are sorted as an original's are.
type hand struct {
	mapper   mapreduce.Mapper
	orderKey func(dst, word []byte) []byte
	counts   map[string]*entry
	keys     map[string]string // keys of words met before: they are dear
	keyed    int               // bytes of them
	value    Histogram
	err      error
}

// entry is a word that is being counted.
type entry struct {
	word, key string
	n         int64
}

// keepKeys is how many bytes of words and keys are remembered.
const keepKeys = 8 << 20

// count finds a blob's words: a pair for each time that one is met, since originals expect no other.
func (h *hand) count(ctx context.Context, blob []byte) (Histogram, error) {
	h.begin()
	if err := h.mapper.Map(ctx, mapreduce.Batch{Source: "blob", Data: blob}, h); err != nil {
		return nil, err
	}
	sorted := h.sorted()
	for _, e := range sorted {
		word := []byte(e.word)
		for range e.n {
			h.value = append(h.value, Count{word, 1})
		}
	}
	return h.value, h.err
}

// merge adds two histograms up, however they are ordered, and whatever repeats in them.
func (h *hand) merge(a, b Histogram) (Histogram, error) {
	h.begin()
	for _, histogram := range []Histogram{a, b} {
		for _, count := range histogram {
			h.add(count.Word, count.N)
		}
	}
	for _, e := range h.sorted() {
		h.value = append(h.value, Count{[]byte(e.word), e.n})
	}
	return h.value, h.err
}

func (h *hand) begin() {
	h.counts, h.value, h.err = map[string]*entry{}, h.value[:0], nil
	if cap(h.value) > keepCounts {
		h.value = nil
	}
	if h.keyed > keepKeys || h.keys == nil {
		h.keys, h.keyed = map[string]string{}, 0
	}
}

// Emit takes what the mapper finds.
func (h *hand) Emit(word, value []byte) {
	n, size := binary.Varint(value)
	if size != len(value) || n < 1 {
		h.err = fmt.Errorf("%x is no count of %.40q", value, word)
		return
	}
	h.add(word, n)
}

func (h *hand) add(word []byte, n int64) {
	e := h.counts[string(word)]
	if e == nil {
		e = &entry{word: string(word)}
		h.counts[e.word] = e
	}
	if n > math.MaxInt64-e.n {
		h.err = errors.New("counts whose sum is beyond 64 bits")
		return
	}
	e.n += n
}

func (h *hand) sorted() []*entry {
	sorted := make([]*entry, 0, len(h.counts))
	for _, e := range h.counts {
		e.key = h.key(e.word)
		sorted = append(sorted, e)
	}
	slices.SortFunc(sorted, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.word, b.word))
	})
	return sorted
}

func (h *hand) key(word string) string {
	key, known := h.keys[word]
	if !known {
		key = string(h.orderKey(nil, []byte(word)))
		h.keys[word] = key
		h.keyed += len(word) + len(key)
	}
	return key
}
