package tcp

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// tally is a multiset of words, told from any other by their number and the sum of their hashes modulo a prime: a peer that does not know
// the seed finds two that are alike no sooner than by luck, whatever their counts. It takes what a mapper emits.
type tally struct {
	total   int64
	sum     uint64
	written int64 // bytes of a reply that has a pair for each word
	bad     bool  // a value is no count
}

const prime = 1<<61 - 1

var seed = maphash.MakeSeed()

func (t *tally) add(word []byte, n int64) {
	high, low := bits.Mul64(maphash.Bytes(seed, word)&prime, uint64(n))
	t.sum = mod(t.sum + mod(low&prime+(high<<3|low>>61)))
	t.total += n
}

// mod is modulo prime, of what is not far beyond.
func mod(x uint64) uint64 {
	x = x&prime + x>>61
	if x >= prime {
		x -= prime
	}
	return x
}

// pairBytes is what a pair of a reply has besides its word, written as Python does: ["word", 1] and a comma and a space.
const pairBytes = int64(len(`[, 1], `))

func (t *tally) Emit(word, value []byte) {
	n, size := binary.Varint(value)
	if size != len(value) || n < 1 {
		t.bad = true
		return
	}
	t.add(word, n)
	t.written += n * (int64(written(word)) + pairBytes)
}

// of is the multiset of a histogram.
func of(histogram Histogram) (t tally) {
	for _, count := range histogram {
		t.add(count.Word, count.N)
	}
	return t
}
