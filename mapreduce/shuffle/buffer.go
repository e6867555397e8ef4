package shuffle

import "bytes"

// buffer keeps every record, in order of position.
type buffer struct {
	arena     *arena // records as they stand in a run
	list      []entry
	last      []byte // key of the last record, in the arena
	ascending bool
	touched   byte
}

func newBuffer(memory int64) *buffer { return &buffer{arena: newArena(memory), ascending: true} }

func (b *buffer) add(partition int, key, value []byte) {
	ref, record := b.arena.take(recordSize(key, value))
	appendRecord(record[:0], key, value)
	prefix := word(key)
	if b.ascending {
		b.follow(prefix, record[fieldSize(len(key))-len(key):][:len(key)])
	}
	b.list = append(b.list, entry{prefix, uint64(partition)<<refBits | ref})
}

// follow notes whether keys still ascend: the output of a reduce does, and needs no sort.
func (b *buffer) follow(prefix uint64, key []byte) {
	if n := len(b.list); n > 0 {
		before := b.list[n-1].prefix
		b.ascending = before < prefix || before == prefix && bytes.Compare(b.last, key) <= 0
	}
	b.last = key
}

func (b *buffer) bytes() int64 { return b.arena.used + entrySize*int64(len(b.list)) }

func (b *buffer) entries(int) ([]entry, bool) { return b.list, b.ascending }

func (b *buffer) word(ref uint64, depth int) (prefix uint64, length int) {
	key, _, _ := cutField(b.arena.from(ref), 0)
	if depth < len(key) {
		prefix = word(key[depth:])
	}
	return prefix, len(key)
}

const cacheLine = 64 // bytes, on most machines; the processor fetches further lines by itself

func (b *buffer) touch(list []entry) {
	var seen byte
	for i := range list {
		record := b.arena.from(list[i].where & refMask)
		seen ^= record[0] ^ record[min(cacheLine, len(record)-1)]
	}
	b.touched = seen // or the compiler would see through it
}

func (b *buffer) record(ref uint64) (key, value []byte) {
	key, value, _, _ = cutRecord(b.arena.from(ref))
	return key, value
}

func (b *buffer) reset() {
	b.arena.reset()
	b.list, b.last, b.ascending = b.list[:0], nil, true
}

func recordSize(key, value []byte) int { return fieldSize(len(key)) + fieldSize(len(value)) }

func fieldSize(n int) int {
	size := n + 1
	for rest := n >> 7; rest > 0; rest >>= 7 {
		size++
	}
	return size
}
