package shuffle

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"

	"jetreduce/mapreduce"
)

// SorterConfig says what a Sorter does; the zero value is one partition that keeps every value.
type SorterConfig struct {
	Partitions int                // runs to cut into; 0: 1
	Keying     Keying             // of the keys that are emitted
	Combiner   mapreduce.Combiner // folds the values of a key; nil keeps them all, in order of position
	Memory     int64              // bytes for records, index and table; 0: 64 MiB. One chunk's buffers come on top
	Scratch    string             // directory for spills; "": os.TempDir()
	ChunkSize  int                // bytes of a chunk's uncompressed body, at most MaxChunk; 0: 512 KiB
}

const defaultChunk = 512 << 10

func (c SorterConfig) withDefaults() SorterConfig {
	c.Partitions = cmp.Or(c.Partitions, 1)
	c.Memory = cmp.Or(c.Memory, 64<<20)
	c.ChunkSize = min(cmp.Or(c.ChunkSize, defaultChunk), MaxChunk)
	return c
}

// Sorter takes the pairs of one attempt and makes one sorted run of them for each partition. It is an Output for one
// goroutine.
//
//	emitting ──Flush──▶ flushed ──Close──▶ closed        an error anywhere: everything after it is dropped
type Sorter struct {
	config  SorterConfig
	room    int64   // bytes that table or buffer may take; the rest of the bound is for merging
	table   *table  // the one, with mapreduce.Sum,
	buffer  *buffer // or the other
	sums    *table  // the table, where keys go into it as they are
	index   index
	scratch scratch
	spills  []spill
	records int64
	err     error
	keyer   *keyer // nil: keys are sorted and partitioned by their bytes
}

var _ mapreduce.Output = (*Sorter)(nil)

// NewSorter makes a Sorter that has to be closed.
func NewSorter(config SorterConfig) *Sorter {
	config = config.withDefaults()
	s := &Sorter{config: config, room: config.Memory - config.Memory/8, scratch: scratch{dir: config.Scratch}}
	if config.Partitions < 0 || config.Partitions > mapreduce.MaxPartitions {
		s.err = fmt.Errorf("sort into %d partitions: use 1 to %d", config.Partitions, mapreduce.MaxPartitions)
	}
	s.keyer = newKeyer(config.Keying, config.Partitions)
	if config.Combiner == mapreduce.Sum {
		s.table = newTable(s.room)
		s.table.keyer = s.keyer
		if config.Keying.Order == nil {
			s.sums = s.table
		}
	} else {
		s.buffer = newBuffer(s.room)
	}
	return s
}

// Emit adds a pair. Errors wait in Err.
func (s *Sorter) Emit(key, value []byte) {
	if s.table == nil {
		s.keep(key, value)
		return
	}
	if len(value) == 1 && value[0] < 0x80 { // counts of one: the hot path of word count
		s.Add(key, int64(value[0]>>1)^-int64(value[0]&1))
		return
	}
	n, size := binary.Varint(value)
	if size <= 0 || size != len(value) {
		s.fail(fmt.Errorf("sum %.64q: value %.32x is not a varint", key, value))
		return
	}
	s.Add(key, n)
}

// Add is Emit of n as mapreduce.Sum reads it, without the way through bytes.
func (s *Sorter) Add(key []byte, n int64) {
	if s.err != nil {
		return
	}
	if s.sums == nil {
		s.addOther(key, n)
		return
	}
	s.records++
	if len(key) > longest {
		s.addLong(key, n)
		return
	}
	lo, hi := pack(key)
	if s.sums.wait(slot{lo, hi, n}) {
		s.settle()
	}
}

func (s *Sorter) addLong(key []byte, n int64) {
	if s.table.addLong(key, n) {
		return
	}
	if s.makeRoom(fieldSize(len(key))); s.err == nil {
		s.table.insertLong(key, n)
	}
}

// settle adds what waits to the table. Sums do not care for the order in which they are added up, so a long key that came
// later may have overtaken.
func (s *Sorter) settle() {
	t := s.table
	t.approach()
	for i := range t.queue[:t.waiting] {
		p := &t.queue[i]
		if t.add(p) {
			continue
		}
		if s.makeRoom(0); s.err != nil {
			return
		}
		t.insert(p.slot, p.mix)
	}
	t.waiting = 0
}

// makeRoom makes room in the table for a new key that has so many bytes outside its slot.
func (s *Sorter) makeRoom(bytes int) {
	t := s.table
	need := t.bytes() + entrySize + int64(bytes)
	switch size := t.next(s.room - need); {
	case t.crowded() && size > 0:
		t.grow(size)
	case t.used > 0 && (t.full() || need > s.room):
		s.spill()
	}
}

func (s *Sorter) keep(key, value []byte) {
	if s.err != nil {
		return
	}
	s.records++
	partition := 0
	if s.keyer == nil {
		partition = Partition(key, s.config.Partitions)
	} else if partition, key = s.keyed(key); s.err != nil {
		return
	}
	b := s.buffer
	if len(b.list) > 0 && b.bytes()+entrySize+int64(recordSize(key, value)) > s.room {
		if s.spill(); s.err != nil {
			return
		}
	}
	b.add(partition, key, value)
}

// Records counts the pairs that were emitted.
func (s *Sorter) Records() int64 { return s.records }

// Err is the first thing that went wrong; everything emitted after it was dropped. To be flushed or closed is nothing
// wrong, though what comes later is dropped too.
func (s *Sorter) Err() error {
	if s.err == errSpent {
		return nil
	}
	return s.err
}

func (s *Sorter) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

var errSpent = errors.New("sorter is flushed or closed")

// Close frees memory and scratch file. It may be called at any time, and again.
func (s *Sorter) Close() error {
	s.fail(errSpent)
	s.index, s.spills, s.sums, s.keyer = index{}, nil, nil, nil
	if s.table != nil {
		s.table = &table{}
	} else {
		s.buffer = &buffer{}
	}
	return s.scratch.close()
}

// memory is what stands in memory, and whether that is nothing.
func (s *Sorter) memory() (m memory, empty bool) {
	if s.table != nil {
		return s.table, s.table.used == 0
	}
	return s.buffer, len(s.buffer.list) == 0
}
