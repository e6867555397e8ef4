package tcp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"iter"
	"math"
	"slices"

	"jetreduce/mapreduce"
)

// reducing is the reducer that a peer does. It deals the values of each word out to histograms, and has these merged by twos, as the
// original does with those of its blobs.
//
//	a: 1 2 3    histograms  a1 b4   a2 b5   a3      requests  a1 b4 + a2 b5 ─▶ a3 b9
//	b: 4 5                                                    a3 b9 + a3    ─▶ a6 b9
type reducing struct {
	peer   *Peer
	own    mapreduce.Reducer
	groups []group
	sums   []int64 // of the groups, one behind the other
	words  []byte
	cost   int // bytes of JSON that the histograms have, at most
	value  []byte
}

// group is a word, and its sum in each of the first histograms.
type group struct {
	word, key []byte
	written   int // bytes of JSON that the word has
	sums      []int64
}

const (
	parts      = 16      // histograms
	mostCost   = 8 << 20 // of a batch, in bytes
	largeWord  = mostCost / parts
	countBytes = int64(len(`[,9223372036854775807], `)) // what a pair has besides its word, at most
)

// Reduce adds a group to the histograms; when these are large, those before it are merged and emitted first.
func (r *reducing) Reduce(ctx context.Context, word []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	wordBytes := written(word)
	size := wordBytes + int(countBytes)
	if size > MaxFrame-headBytes {
		return mapreduce.Permanentf("a word of %d bytes, %d as JSON: a message takes %d", len(word), size, MaxFrame)
	}
	most := parts
	if size > largeWord {
		most = 1
	}
	if r.cost > 0 && r.cost+most*size > mostCost {
		if err := r.Flush(ctx, out); err != nil {
			return err
		}
	}
	begin := len(r.sums)
	if err := r.deal(word, values, most); err != nil {
		return err
	}
	r.words = append(r.words, word...)
	r.groups = append(r.groups, group{
		word: slices.Clip(r.words[len(r.words)-len(word):]), written: wordBytes, sums: slices.Clip(r.sums[begin:]),
	})
	r.cost += (len(r.sums) - begin) * size
	return nil
}

// deal deals a word's values out to so many histograms at most.
func (r *reducing) deal(word []byte, values iter.Seq[[]byte], most int) error {
	begin, i := len(r.sums), 0
	for value := range values {
		n, width := binary.Varint(value)
		if i < most {
			r.sums = append(r.sums, 0)
		}
		sum := &r.sums[begin+i%most]
		if width != len(value) || n < 1 || n > math.MaxInt64-*sum {
			return mapreduce.Permanentf("count %d (%x) of %.100q is not one that original workers can add", n, value, word)
		}
		*sum += n
		i++
	}
	return nil
}

// Flush has the histograms merged, and emits what they come to.
func (r *reducing) Flush(ctx context.Context, out mapreduce.Output) error {
	if len(r.groups) == 0 {
		return nil
	}
	r.sort()
	merge := &merging{peer: r.peer, groups: r.groups}
	shares, err := merge.all(ctx)
	if err != nil {
		return err
	}
	for _, share := range shares {
		r.value = binary.AppendVarint(r.value[:0], share.n)
		if err := r.own.Reduce(ctx, r.groups[share.group].word, slices.Values([][]byte{r.value}), out); err != nil {
			return err
		}
	}
	r.groups, r.sums, r.words, r.cost = nil, nil, nil, 0
	return nil
}

// sort brings the groups into the order in which originals search.
func (r *reducing) sort() {
	var keys []byte
	for i := range r.groups {
		begin := len(keys)
		keys = r.peer.server.OrderKey(keys, r.groups[i].word)
		r.groups[i].key = slices.Clip(keys[begin:])
	}
	slices.SortFunc(r.groups, func(a, b group) int {
		return cmp.Or(bytes.Compare(a.key, b.key), bytes.Compare(a.word, b.word))
	})
}
