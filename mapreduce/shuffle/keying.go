package shuffle

import (
	"encoding/binary"

	"jetreduce/mapreduce"
)

// Keying is how a job's keys are ordered, grouped and partitioned; mapreduce.Program says what each function is. The zero value is the
// order of bytes, one group for each key, and the partition by hash. Whoever makes runs and whoever merges them must have the same one.
//
// With an Order it is sort keys that are sorted and travel in runs (see AppendSortKey). Emit takes the plain keys, Groups gives
// them back; Writer and Merge.Records know nothing of this.
type Keying struct {
	Order     func(dst, key []byte) []byte
	Group     func(key []byte) []byte
	Partition func(key []byte, partitions int) int
}

// KeyingOf is a program's.
func KeyingOf(program mapreduce.Program) Keying {
	return Keying{Order: program.KeyOrder, Group: program.Group, Partition: program.Partition}
}

// Plain is the key as it was emitted, of a record that travels: a piece of its key, not a copy.
func (k Keying) Plain(key []byte) ([]byte, error) {
	if k.Order == nil {
		return key, nil
	}
	plain, err := CutSortKey(key)
	if err != nil {
		return nil, mapreduce.Permanentf("record with key %.64x, of a program that orders keys itself: %w", key, err)
	}
	return plain, nil
}

// keyer is the Keying of a Sorter, at work.
type keyer struct {
	Keying
	partitions     int
	order, sortKey []byte // of the last key
	err            error  // of a Partition
}

// newKeyer is nil where keys are sorted and partitioned by their bytes.
func newKeyer(keying Keying, partitions int) *keyer {
	if keying.Order == nil && keying.Group == nil && keying.Partition == nil {
		return nil
	}
	return &keyer{Keying: keying, partitions: partitions}
}

// sorted is what a key is sorted by. It stands until the next call. The memory of a large one is not kept for that.
func (k *keyer) sorted(key []byte) []byte {
	if k.Order == nil {
		return key
	}
	if cap(k.sortKey) > keepRecord || cap(k.order) > keepRecord {
		k.release()
	}
	k.order = owned(k.order, k.Order(k.order[:0], key))
	k.sortKey = AppendSortKey(k.sortKey[:0], k.order, key)
	return k.sortKey
}

func (k *keyer) release() { k.order, k.sortKey = nil, nil }

// of is the partition that a plain key belongs to. Where there is none the error stays.
func (k *keyer) of(key []byte) int {
	if k.Partition != nil {
		p := k.Partition(key, k.partitions)
		if p >= 0 && p < k.partitions {
			return p
		}
		if k.err == nil {
			k.err = mapreduce.Permanentf("key %.100q is for partition %d of %d: have the program's Partition return 0 to %d",
				key, p, k.partitions, k.partitions-1)
		}
		return 0
	}
	if k.Group != nil {
		key = k.Group(key)
	}
	return Partition(key, k.partitions)
}

// ofSorted is that of a key which sorted has made.
func (k *keyer) ofSorted(key []byte) int {
	plain, err := k.Plain(key)
	if err != nil {
		k.err = err
		return 0
	}
	return k.of(plain)
}

// keyed is the partition of a key, and what it is sorted by.
func (s *Sorter) keyed(key []byte) (partition int, sorted []byte) {
	partition = s.keyer.of(key)
	s.fail(s.keyer.err)
	return partition, s.keyer.sorted(key)
}

// addOther is Add where keys do not go into the table as they are.
func (s *Sorter) addOther(key []byte, n int64) {
	if s.table == nil {
		s.keep(key, binary.AppendVarint(nil, n))
		return
	}
	s.records++
	s.addLong(s.keyer.sorted(key), n) // most are; and one that is not finds its way as well
}

// arrange puts what is in memory in order.
func (s *Sorter) arrange(m memory) error {
	s.index.arrange(m, s.config.Partitions)
	if s.keyer == nil {
		return nil
	}
	s.keyer.release()
	return s.keyer.err
}
