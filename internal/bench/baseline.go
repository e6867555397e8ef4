package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"os"
	"slices"
	"strconv"

	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// CountWords is the baseline of word count: one careful thread. It reads big blocks, takes the same scanner for words, 64 bytes at a time,
// counts in a hash table over bytes without an allocation or a call a word, and writes the same rows in the same order.
func CountWords(input, output string) error {
	in, err := os.Open(input)
	if err != nil {
		return err
	}
	defer in.Close()
	table, err := newTable(1 << 16)
	if err != nil {
		return err
	}
	if err := eachBlock(in, table.count); err != nil {
		return err
	}
	out, err := os.Create(output)
	if err != nil {
		return err
	}
	return errors.Join(table.write(out), out.Close())
}

// eachBlock reads a file in blocks that end at line borders.
func eachBlock(in io.Reader, yield func([]byte) error) error {
	buffer := make([]byte, 1<<20)
	held := 0
	for {
		n, err := in.Read(buffer[held:])
		held += n
		if err == io.EOF {
			return yield(buffer[:held])
		}
		if err != nil {
			return err
		}
		end := bytes.LastIndexByte(buffer[:held], '\n') + 1
		if err := yield(buffer[:end]); err != nil {
			return err
		}
		held = copy(buffer, buffer[end:held])
		if held == len(buffer) {
			buffer = append(buffer, make([]byte, len(buffer))...)
		}
	}
}

// table is an open-addressing hash table from words to counts. A word of up to 16 bytes is compared as two integers that
// stand in its slot; a longer one by its hash and then its bytes. All words stand back to back in one arena.
type table struct {
	words mapreduce.Mapper
	slots []slot
	used  int
	arena []byte
}

var _ interface {
	mapreduce.Output
	mapreduce.Tokens
} = (*table)(nil)

type slot struct {
	head, tail uint64 // of a short word: its bytes; of a long one: its hash, 0
	count      int64  // 0: free
	offset     uint32
	length     uint32
}

func newTable(size int) (*table, error) {
	t := &table{slots: make([]slot, size)}
	for _, program := range programs.Builtin() {
		if program.Name == "wordcount" {
			var err error
			t.words, err = program.Mapper(nil)
			return t, err
		}
	}
	return nil, errors.New("there is no word count")
}

func (t *table) count(block []byte) error {
	return t.words.Map(context.Background(), mapreduce.Batch{Data: block}, t)
}

// Emit takes a word that does not come in a window.
func (t *table) Emit(word, _ []byte) {
	if len(word) > mapreduce.TokenReach {
		t.add(word, xxh3.Hash(word), 0)
		return
	}
	var wide [mapreduce.TokenReach]byte
	copy(wide[:], word)
	t.add(word, binary.LittleEndian.Uint64(wide[:]), binary.LittleEndian.Uint64(wide[8:]))
}

// EmitTokens takes the words of a window.
func (t *table) EmitTokens(text []byte, begins, ends uint64) {
	for ; ends != 0; begins, ends = begins&(begins-1), ends&(ends-1) {
		from, to := bits.TrailingZeros64(begins)&63, bits.TrailingZeros64(ends)&63
		if n := to - from; n > mapreduce.TokenReach {
			t.add(text[from:to], xxh3.Hash(text[from:to]), 0)
		} else {
			wide, mask := text[from:from+mapreduce.TokenReach], &masks[n]
			t.add(text[from:to], binary.LittleEndian.Uint64(wide)&mask[0], binary.LittleEndian.Uint64(wide[8:])&mask[1])
		}
	}
}

// masks leave a word's bytes, by its length.
var masks = func() (masks [mapreduce.TokenReach + 1][2]uint64) {
	for n := range masks {
		masks[n] = [2]uint64{1<<(8*n) - 1, 1<<(8*max(n-8, 0)) - 1}
	}
	return masks
}()

func (t *table) add(word []byte, head, tail uint64) {
	mask := uint64(len(t.slots) - 1)
	for i := mix(head, tail) & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.count == 0 {
			*s = slot{head, tail, 1, uint32(len(t.arena)), uint32(len(word))}
			t.arena = append(t.arena, word...)
			if t.used++; 2*t.used > len(t.slots) {
				t.grow()
			}
			return
		}
		if s.head == head && s.tail == tail && s.length == uint32(len(word)) &&
			(len(word) <= mapreduce.TokenReach || string(t.word(s)) == string(word)) {
			s.count++
			return
		}
	}
}

func mix(head, tail uint64) uint64 {
	high, low := bits.Mul64(head^0x9e3779b97f4a7c15, tail^0xd6e8feb86659fd93)
	return high ^ low
}

func (t *table) word(s *slot) []byte { return t.arena[s.offset : s.offset+s.length] }

func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	mask := uint64(len(t.slots) - 1)
	for _, s := range old {
		if s.count == 0 {
			continue
		}
		i := mix(s.head, s.tail) & mask
		for t.slots[i].count != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

// write writes the rows in the order of bytes.
func (t *table) write(w io.Writer) error {
	rows := slices.DeleteFunc(t.slots, func(s slot) bool { return s.count == 0 })
	slices.SortFunc(rows, func(a, b slot) int { return bytes.Compare(t.word(&a), t.word(&b)) })
	out := bufio.NewWriterSize(w, 1<<20)
	var line []byte
	for i := range rows {
		line = append(append(line[:0], t.word(&rows[i])...), '\t')
		line = append(strconv.AppendInt(line, rows[i].count, 10), '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}
