package bench

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"os"
	"slices"
	"strconv"

	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce/programs"
)

// CountWords is the baseline of word count: one careful thread. It reads big blocks, takes the same scanner for words,
// counts in a hash table over bytes without an allocation a word, and writes the same rows in the same order.
func CountWords(input, output string) error {
	in, err := os.Open(input)
	if err != nil {
		return err
	}
	defer in.Close()
	table := newTable(1 << 16)
	if err := eachBlock(in, func(block []byte) { table.count(block) }); err != nil {
		return err
	}
	out, err := os.Create(output)
	if err != nil {
		return err
	}
	return errors.Join(table.write(out), out.Close())
}

// eachBlock reads a file in blocks that end at line borders.
func eachBlock(in io.Reader, yield func([]byte)) error {
	buffer := make([]byte, 1<<20)
	held := 0
	for {
		n, err := in.Read(buffer[held:])
		held += n
		if err == io.EOF {
			yield(buffer[:held])
			return nil
		}
		if err != nil {
			return err
		}
		end := bytes.LastIndexByte(buffer[:held], '\n') + 1
		yield(buffer[:end])
		held = copy(buffer, buffer[end:held])
		if held == len(buffer) {
			buffer = append(buffer, make([]byte, len(buffer))...)
		}
	}
}

// table is an open-addressing hash table from words to counts. A word of up to 16 bytes is compared as two integers that
// stand in its slot; a longer one by its hash and then its bytes. All words stand back to back in one arena.
type table struct {
	words programs.Words
	slots []slot
	used  int
	arena []byte
}

type slot struct {
	head, tail uint64 // of a short word: its first and its last 8 bytes; of a long one: its hash, 0
	count      int64  // 0: free
	offset     uint32
	length     uint32
}

func newTable(size int) *table { return &table{slots: make([]slot, size)} }

func (t *table) count(block []byte) {
	t.words.Reset(block)
	for word := t.words.Next(); word != nil; word = t.words.Next() {
		t.add(word)
	}
}

func (t *table) add(word []byte) {
	head, tail := ends(word)
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
			(len(word) <= 16 || string(t.word(s)) == string(word)) {
			s.count++
			return
		}
	}
}

// ends is what tells words of one length apart.
func ends(word []byte) (head, tail uint64) {
	n := len(word)
	switch {
	case n > 16:
		return xxh3.Hash(word), 0
	case n >= 8:
		return binary.LittleEndian.Uint64(word), binary.LittleEndian.Uint64(word[n-8:])
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(word)), uint64(binary.LittleEndian.Uint32(word[n-4:]))
	}
	return uint64(word[0]) | uint64(word[n/2])<<8 | uint64(word[n-1])<<16, uint64(n)
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
