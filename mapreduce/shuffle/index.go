package shuffle

import (
	"bytes"
	"cmp"
	"io"
	"slices"
)

// entry stands for a record while it is sorted.
type entry struct {
	prefix uint64 // 8 bytes of the key, see word; which 8 depends on how far the sort has come
	where  uint64 // partition<<refBits | ref
}

const (
	refBits = 48
	refMask = 1<<refBits - 1

	entrySize = 32 // bytes of memory for each record in an index: the entry, and a second one to sort through
)

// memory is what a sorter holds: a table of sums or a buffer of records.
type memory interface {
	// entries has one entry for each record, in order of position, and says whether keys ascend already.
	entries(partitions int) (list []entry, ascending bool)
	// word is the word of the key's bytes from depth on, and the key's length.
	word(ref uint64, depth int) (prefix uint64, length int)
	// touch brings near what record will be asked for. Sorted records lie all over the memory; loads that do not depend
	// on each other overlap their delays.
	touch(list []entry)
	// record stands until the next call.
	record(ref uint64) (key, value []byte)
	reset()
}

// index is a memory's records in the order of partition, key and position. Only entries move; the records stay.
//
//	list before   b1 a0 a1 b0 c0          the digit is the partition
//	list after    a0 b0 c0 │ a1 b1        ends 3, 5
//
// Every pass keeps the order of what it finds equal, so position order needs no key of its own.
type index struct {
	memory memory
	list   []entry
	spare  []entry // as long as list
	own    []entry // memory that is list or spare; the other's is the memory's
	ends   []int   // of each partition in list
}

func (x *index) arrange(m memory, partitions int) {
	list, ascending := m.entries(partitions)
	x.memory, x.list = m, list
	if partitions > 1 || !ascending {
		x.own = slices.Grow(x.own[:0], len(list))[:len(list)]
	}
	x.spare = x.own
	x.split(partitions)
	if ascending {
		return
	}
	from := 0
	for _, end := range x.ends {
		sortWords(m, x.list[from:end], x.spare[from:end], 56, 0)
		from = end
	}
}

// split brings the entries of each partition together, in unchanged order.
func (x *index) split(partitions int) {
	x.ends = append(x.ends[:0], make([]int, partitions)...)
	if partitions == 1 {
		x.ends[0] = len(x.list)
		return
	}
	for _, e := range x.list {
		x.ends[e.where>>refBits]++
	}
	from := 0
	for p, n := range x.ends {
		x.ends[p], from = from, from+n
	}
	for _, e := range x.list {
		p := e.where >> refBits
		x.spare[x.ends[p]] = e
		x.ends[p]++
	}
	x.list, x.spare = x.spare, x.list
}

// partition streams one partition, or is nil when that is empty.
func (x *index) partition(p int) stream {
	from := 0
	if p > 0 {
		from = x.ends[p-1]
	}
	if from == x.ends[p] {
		return nil
	}
	return &memoryStream{memory: x.memory, rest: x.list[from:x.ends[p]]}
}

type memoryStream struct {
	memory memory
	rest   []entry
	near   int // how many of the rest have been touched
}

const touched = 16 // records at a time: what a processor's queue of loads holds, about

func (m *memoryStream) next() (key, value []byte, err error) {
	if len(m.rest) == 0 {
		return nil, nil, io.EOF
	}
	if m.near == 0 {
		m.near = min(len(m.rest), touched)
		m.memory.touch(m.rest[:m.near])
	}
	m.near--
	key, value = m.memory.record(m.rest[0].where & refMask)
	m.rest = m.rest[1:]
	return key, value, nil
}

// few is where insertion beats another pass over 256 counters; measured.
const few = 40

// sortWords sorts by prefix, which holds the key's bytes from depth on, then by the rest of the key; entries of equal
// keys stay in order. It is a radix sort from the most significant byte (at shift) that moves entries through spare.
func sortWords(m memory, list, spare []entry, shift, depth int) {
	for ; len(list) > few && shift >= 0; shift -= 8 {
		var counts [256]int
		for i := range list {
			counts[byte(list[i].prefix>>shift)]++
		}
		if counts[byte(list[0].prefix>>shift)] == len(list) {
			continue // all the same: the next byte decides
		}
		scatter(list, spare, shift, &counts)
		from := 0
		for _, end := range counts {
			if end-from > 1 {
				sortWords(m, list[from:end], spare[from:end], shift-8, depth)
			}
			from = end
		}
		return
	}
	if shift >= 0 {
		insert(list)
	}
	sortTies(m, list, spare, depth)
}

// scatter brings entries with the same byte together and turns the counts into the ends of their ranges.
func scatter(list, spare []entry, shift int, counts *[256]int) {
	from := 0
	for c, n := range counts {
		counts[c], from = from, from+n
	}
	for _, e := range list {
		c := byte(e.prefix >> shift)
		spare[counts[c]] = e
		counts[c]++
	}
	copy(list, spare)
}

func insert(list []entry) {
	for i := 1; i < len(list); i++ {
		e, j := list[i], i
		for ; j > 0 && list[j-1].prefix > e.prefix; j-- {
			list[j] = list[j-1]
		}
		list[j] = e
	}
}

// sortTies sorts each range of equal prefixes by what the keys have behind them.
func sortTies(m memory, list, spare []entry, depth int) {
	for from := 0; from < len(list); {
		end := from + 1
		for end < len(list) && list[end].prefix == list[from].prefix {
			end++
		}
		if end-from > 1 {
			sortBehind(m, list[from:end], spare[from:end], depth+8)
		}
		from = end
	}
}

// sortBehind sorts entries whose keys are equal up to depth. Keys that end there come first, the shorter before the
// longer (they differ in zeros only); the others go on with their next 8 bytes.
func sortBehind(m memory, list, spare []entry, depth int) {
	if depth >= deep {
		sortDeep(m, list, depth)
		return
	}
	ended, longer, uneven := 0, 0, false
	for _, e := range list {
		prefix, length := m.word(e.where&refMask, depth)
		if length > depth {
			spare[longer] = entry{prefix, e.where}
			longer++
			continue
		}
		list[ended] = entry{uint64(length), e.where}
		uneven = uneven || list[ended].prefix != list[0].prefix
		ended++
	}
	copy(list[ended:], spare[:longer])
	if uneven {
		slices.SortStableFunc(list[:ended], func(a, b entry) int { return cmp.Compare(a.prefix, b.prefix) })
	}
	if longer > 0 {
		sortWords(m, list[ended:], spare[ended:], 56, depth)
	}
}

// deep is how many bytes keys may share before they are compared instead: the sort recurses once for every 8 of them, and keys share
// as many as they like. No key that goes on here stands in a table's slot.
const deep = 512

// sortDeep sorts entries whose keys are equal up to depth, or end before and differ in zeros only.
func sortDeep(m memory, list []entry, depth int) {
	slices.SortStableFunc(list, func(a, b entry) int {
		x, _ := m.record(a.where & refMask)
		y, _ := m.record(b.where & refMask)
		return cmp.Or(bytes.Compare(x[min(depth, len(x)):], y[min(depth, len(y)):]), cmp.Compare(len(x), len(y)))
	})
}
