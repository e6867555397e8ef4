package shuffle

import (
	"bytes"
	"encoding/binary"
	"io"
)

// tree merges streams: a tournament in which each inner node remembers its loser, so that a step plays one match a
// level. Equal keys come in the order of their streams.
//
//	losers[0] = winner of all          streams a b c d are the leaves 4 5 6 7;
//	        1                          the parent of n is n/2
//	      2   3
//	     a b c d
type tree struct {
	streams []stream
	heads   []head
	losers  []int
}

// head is the first record of a stream that has not been taken.
type head struct {
	prefix uint64 // the key's first 8 bytes: decides most matches
	key    []byte
	value  []byte
	done   bool
}

func newTree(streams []stream) (*tree, error) {
	t := &tree{streams: streams, heads: make([]head, len(streams)), losers: make([]int, max(1, len(streams)))}
	for i := range t.losers {
		t.losers[i] = -1
	}
	for i := range streams {
		if err := t.load(i); err != nil {
			return nil, err
		}
		t.play(i)
	}
	return t, nil
}

// top is the next record in order, or nil when there is none. It stands until advance.
func (t *tree) top() *head {
	if len(t.heads) == 0 || t.heads[t.losers[0]].done {
		return nil
	}
	return &t.heads[t.losers[0]]
}

// advance goes on to the record behind top.
func (t *tree) advance() error {
	i := t.losers[0]
	if err := t.load(i); err != nil {
		return err
	}
	t.play(i)
	return nil
}

func (t *tree) load(i int) error {
	key, value, err := t.streams[i].next()
	if err == io.EOF {
		t.heads[i] = head{done: true}
		return nil
	}
	t.heads[i] = head{prefix: word(key), key: key, value: value}
	return err
}

// play lets stream i play its way up. The first to come to a fresh node waits there.
func (t *tree) play(i int) {
	for node := (i + len(t.streams)) / 2; node > 0; node /= 2 {
		other := t.losers[node]
		if other < 0 {
			t.losers[node] = i
			return
		}
		if t.less(other, i) {
			t.losers[node], i = i, other
		}
	}
	t.losers[0] = i
}

func (t *tree) less(a, b int) bool {
	x, y := &t.heads[a], &t.heads[b]
	switch {
	case x.done || y.done:
		return y.done && (!x.done || a < b)
	case x.prefix != y.prefix:
		return x.prefix < y.prefix
	}
	if c := bytes.Compare(x.key, y.key); c != 0 {
		return c < 0
	}
	return a < b
}

// word is the first 8 bytes, zeros behind a shorter key, as a number that orders as they do. Equal words decide nothing:
// a zero may be the key's own.
func word(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var w uint64
	for i, c := range b {
		w |= uint64(c) << (56 - 8*i)
	}
	return w
}
