package shuffle

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/zeebo/xxh3"
)

// table sums integers by key: open addressing with linear probing. A short key stands in its slot, so that the record of
// a word touches one place in memory; a long one stands in the arena.
//
//	slot         lo                     hi                                n
//	free         –                      0
//	0–15 bytes   bytes 0–7              bytes 8–14 │ tag: length+1        sum
//	longer       place in the arena     56 bits of XXH3 │ tag: 0xff       sum
//
// A slot's home is given by the high bits of its mix: doubling the table then keeps the order of slots, and walks through
// memory instead of jumping.
type table struct {
	slots []slot
	shift uint // 64 - log2(slots)
	used  int
	seed  uint64 // against keys chosen to collide; nothing that leaves the table depends on it
	arena *arena // length-prefixed long keys

	queue   [32]pending
	waiting int
	touched uint64

	list  []entry
	key   [16]byte // of the record returned last
	value [binary.MaxVarintLen64]byte
	keyer *keyer // nil: the partition is that of the key's bytes
}

type slot struct {
	lo, hi uint64
	n      int64
}

// pending is something to add to a short key's sum.
type pending struct {
	slot
	mix uint64
}

const (
	slotSize   = 24
	longest    = 15      // bytes of a key that stands in its slot
	tagShift   = 56      // the tag is the top byte of hi
	longTag    = 0xff    // a hash without its tag has 56 bits
	near       = 2 << 20 // bytes of a table that is in a processor's own cache, about
	multiplier = 0x9e3779b97f4a7c15
)

// newTable starts small: most attempts of a small job see few keys.
func newTable(memory int64) *table {
	size := 1 << 8
	for size > 16 && int64(size)*slotSize > memory/4 {
		size /= 2
	}
	t := &table{seed: rand.Uint64(), arena: newArena(memory)}
	t.resize(size)
	return t
}

func (t *table) resize(size int) {
	t.slots = make([]slot, size)
	t.shift = 64 - uint(bits.Len(uint(size-1)))
}

// wait notes n more for a short key; settle must follow when it returns true. A table of many keys is all over the
// memory, and a search waits for that most of the time: several at once wait together.
func (t *table) wait(s slot) (full bool) {
	t.queue[t.waiting] = pending{s, t.mix(s.lo, s.hi)}
	t.waiting++
	return t.waiting == len(t.queue)
}

// approach brings the homes of all that waits near. The loads do not depend on each other, so their delays overlap.
func (t *table) approach() {
	var seen uint64
	for i := range t.queue[:t.waiting] {
		seen ^= t.slots[t.home(t.queue[i].mix)].hi
	}
	t.touched = seen // or the compiler would see through it
}

// add adds to the sum of a short key, if the table has the key.
func (t *table) add(p *pending) bool {
	for i := t.home(p.mix); ; i++ {
		s := &t.slots[i&(len(t.slots)-1)]
		if s.hi == p.hi && s.lo == p.lo {
			s.n += p.n
			return true
		}
		if s.hi == 0 {
			return false
		}
	}
}

// addLong adds to the sum of a long key, if the table has the key.
func (t *table) addLong(key []byte, n int64) bool {
	hi := longWord(key)
	for i := t.home(t.mix(0, hi)); ; i++ {
		s := &t.slots[i&(len(t.slots)-1)]
		if s.hi == hi && bytes.Equal(t.longKey(s.lo), key) {
			s.n += n
			return true
		}
		if s.hi == 0 {
			return false
		}
	}
}

// insertLong adds a long key that the table does not have.
func (t *table) insertLong(key []byte, n int64) {
	ref, b := t.arena.take(fieldSize(len(key)))
	copy(b[binary.PutUvarint(b, uint64(len(key))):], key)
	hi := longWord(key)
	t.insert(slot{ref, hi, n}, t.mix(0, hi))
}

// insert adds a slot whose key the table does not have. The caller has seen to it that there is room.
func (t *table) insert(s slot, mix uint64) {
	t.place(s, mix)
	t.used++
}

func (t *table) place(s slot, mix uint64) {
	i := t.home(mix)
	for t.slots[i&(len(t.slots)-1)].hi != 0 {
		i++
	}
	t.slots[i&(len(t.slots)-1)] = s
}

// full reports whether the table must grow before it takes another key: past three quarters, probes get long.
func (t *table) full() bool { return t.used >= len(t.slots)/4*3 }

// crowded reports whether it should grow where there is room: as long as it stays near, a search had better find at once.
func (t *table) crowded() bool {
	return t.full() || 2*len(t.slots)*slotSize <= near && t.used >= len(t.slots)/2
}

// bytes is the memory that the table has and sorting it needs.
func (t *table) bytes() int64 {
	return int64(len(t.slots))*slotSize + t.arena.used + entrySize*int64(t.used)
}

// next is how many slots it can grow to in so many bytes of room, which the new ones take while the old are still there; 0: none.
// Among small sizes it takes larger steps, where they fit: every map begins with a small one.
func (t *table) next(room int64) int {
	double := 2 * len(t.slots)
	switch most := room / slotSize; {
	case 2*double*slotSize <= near && int64(2*double) <= most:
		return 2 * double
	case int64(double) <= most:
		return double
	}
	return 0
}

func (t *table) grow(size int) {
	old := t.slots
	t.resize(size)
	for _, s := range old {
		switch s.hi >> tagShift {
		case 0:
		case longTag:
			t.place(s, t.mix(0, s.hi))
		default:
			t.place(s, t.mix(s.lo, s.hi))
		}
	}
}

func longWord(key []byte) uint64 { return xxh3.Hash(key) | longTag<<tagShift }

// mix says by its high bits where the search for a key begins. For a long key lo is 0: its place says nothing.
func (t *table) mix(lo, hi uint64) uint64 {
	high, low := bits.Mul64(lo^t.seed, hi^multiplier)
	return (high ^ low) * multiplier
}

// home is the slot at which a search begins.
func (t *table) home(mix uint64) int { return int(mix >> (t.shift & 63)) }

func (t *table) longKey(ref uint64) []byte {
	key, _, _ := cutField(t.arena.from(ref), 0)
	return key
}

func (t *table) entries(partitions int) ([]entry, bool) {
	t.list = t.list[:0]
	for i := range t.slots {
		if t.slots[i].hi == 0 {
			continue
		}
		key := t.slotKey(&t.slots[i])
		partition := 0
		if t.keyer == nil {
			partition = Partition(key, partitions)
		} else {
			partition = t.keyer.ofSorted(key)
		}
		t.list = append(t.list, entry{word(key), uint64(partition)<<refBits | uint64(i)})
	}
	return t.list, false
}

// slotKey stands until the next call.
func (t *table) slotKey(s *slot) []byte {
	tag := s.hi >> tagShift
	if tag == longTag {
		return t.longKey(s.lo)
	}
	binary.LittleEndian.PutUint64(t.key[:], s.lo)
	binary.LittleEndian.PutUint64(t.key[8:], s.hi)
	return t.key[:tag-1]
}

func (t *table) word(ref uint64, depth int) (prefix uint64, length int) {
	key := t.slotKey(&t.slots[ref])
	if depth < len(key) {
		prefix = word(key[depth:])
	}
	return prefix, len(key)
}

func (t *table) touch(list []entry) {
	var seen uint64
	for i := range list {
		seen ^= t.slots[list[i].where&refMask].hi
	}
	t.touched = seen
}

func (t *table) record(ref uint64) (key, value []byte) {
	s := &t.slots[ref]
	return t.slotKey(s), binary.AppendVarint(t.value[:0], s.n)
}

// reset keeps the size: what filled the table once will fill it again.
func (t *table) reset() {
	clear(t.slots)
	t.arena.reset()
	t.used = 0
}
