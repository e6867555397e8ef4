package shuffle

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"testing"

	"jetreduce/mapreduce"
)

// hot is a key with a hundred times as many bytes of values as there is memory.
type hot struct {
	config SorterConfig
	base   int64 // bytes that are live without it
	most   int64 // bytes that were live at any point at which somebody looked
	n      int
}

const hotValue = 4 << 10

func (h *hot) values() int { return int(100 * h.config.Memory / hotValue) }

// look measures now and then.
func (h *hot) look() {
	if h.n++; h.n%500 == 0 {
		h.most = max(h.most, live()-h.base)
	}
}

// emit emits the values, numbered, among a few others; with spread keys no two are equal, though of one group.
func (h *hot) emit(s *Sorter, spread bool) {
	key, value := []byte("hot key, 00000000"), []byte(text(hotValue))
	for i := range h.values() {
		binary.BigEndian.PutUint64(value, uint64(i))
		if spread {
			binary.BigEndian.PutUint64(key[len(key)-8:], uint64(i))
		}
		s.Emit(key, value)
		if h.look(); i%1000 == 0 {
			s.Emit([]byte("a cold key"), []byte("cold"))
			s.Emit([]byte("i am cold too"), []byte("cold"))
		}
	}
}

// read counts the hot values, which must be those that were emitted, in order.
func (h *hot) read(m *Merge) (n int, err error) {
	want := []byte(text(hotValue))
	err = m.Groups(context.Background(), func(key []byte, values iter.Seq[[]byte]) error {
		if !bytes.HasPrefix(key, []byte("hot key")) {
			return nil
		}
		for value := range values {
			binary.BigEndian.PutUint64(want, uint64(n))
			if !bytes.Equal(value, want) {
				return fmt.Errorf("value %d differs", n)
			}
			n++
			h.look()
		}
		return nil
	})
	return n, err
}

// TestHotKeyIsStreamed: of a hundred times the memory bound of values no more than the bound is ever live at once, and slack: a body, its
// packed form and the chunk that is made of both, two bodies as stored and decoded for each of two runs that are merged at least (11 of
// 64 KiB), 64 bytes of index for each of 1600 chunks, and what s2 and the runtime keep.
func TestHotKeyIsStreamed(t *testing.T) {
	const slack = 2 << 20
	group := Keying{Group: func(key []byte) []byte { return first(key, 7) }}
	for name, test := range map[string]struct {
		keying   Keying
		combiner mapreduce.Combiner
		memory   int64
		want     int // values; 0: all
	}{
		"64 KiB":   {memory: 64 << 10},
		"1 MiB":    {memory: 1 << 20},
		"group":    {memory: 1 << 20, keying: group},
		"ordered":  {memory: 1 << 20, keying: Keying{Order: downwards}},
		"combiner": {memory: 1 << 20, combiner: longer{}, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			config := SorterConfig{Keying: test.keying, Combiner: test.combiner, Memory: test.memory, ChunkSize: 64 << 10, Scratch: t.TempDir()}
			h, n := &hot{config: config, base: live()}, 0
			through(t, config, func(s *Sorter) { h.emit(s, test.keying.Group != nil) }, func(m *Merge) (err error) {
				n, err = h.read(m)
				return err
			})
			if want := test.want; n != want && (want > 0 || n != h.values()) {
				t.Errorf("%d values", n)
			}
			t.Logf("%d KiB live, %d looks", h.most>>10, h.n/500)
			if h.most > test.memory+slack {
				t.Errorf("%d bytes live, for a bound of %d", h.most, test.memory)
			}
		})
	}
}
