package shuffle

import (
	"bytes"
	"fmt"
	"testing"

	"jetreduce/mapreduce"
)

// TestTableGrowsAndSpills: many keys, counted right through every doubling and spill.
func TestTableGrowsAndSpills(t *testing.T) {
	const distinct, times = 12_000, 3
	dir := t.TempDir()
	for _, memory := range []int64{200_000, 64 << 20} {
		s := NewSorter(SorterConfig{Combiner: mapreduce.Sum, Memory: memory, Scratch: dir})
		for i := range distinct * times {
			n, size := i%distinct, int64(len(s.table.slots))
			s.Emit(fmt.Appendf(nil, "%0*d", 5+n%200*(2*n/distinct), n), mapreduce.One()) // the second half is long
			most := s.table.bytes()
			if int64(len(s.table.slots)) > size {
				most += size * slotSize // the old slots, while they moved
				if 2*int64(s.table.used) < size {
					t.Fatalf("%d of %d places are taken, and it grows", s.table.used, size)
				}
			}
			if most > s.room {
				t.Fatalf("table of %d bytes in %d", most, s.room)
			}
		}
		if spilled := len(s.spills) > 0; spilled != (memory == 200_000) {
			t.Errorf("memory %d: %d spills", memory, len(s.spills))
		}
		c := NewCollector(CollectorConfig{Roster: mapreduce.Roster{attempt(1)}})
		if _, err := s.Flush(t.Context(), RunOwner{0, attempt(1)}, func(_ int, chunk []byte) error { return c.Add(chunk) }); err != nil {
			t.Fatal(err)
		}
		s.Close()
		m, err := c.Merge(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		err = m.Records(t.Context(), func(key, value []byte) error {
			if n++; !bytes.Equal(value, []byte{2 * times}) {
				return fmt.Errorf("%q: %x", key, value)
			}
			return nil
		})
		if err != nil || n != distinct {
			t.Fatalf("memory %d: %d keys, error %v", memory, n, err)
		}
		m.Close()
	}
}

// TestTableSpillsWhenItCannotDouble, and not before, however large the step that it would rather have taken.
func TestTableSpillsWhenItCannotDouble(t *testing.T) {
	key := func(i int) []byte { return fmt.Appendf(nil, "%0*d", longest+1, i) } // long, so that none waits
	for memory := int64(64 << 10); memory < 4<<20; memory += memory / 7 {
		s := NewSorter(SorterConfig{Combiner: mapreduce.Sum, Memory: memory, Scratch: t.TempDir()})
		var before int64
		for i := 0; len(s.spills) == 0 && s.Err() == nil; i++ {
			before = s.table.bytes() + entrySize + int64(fieldSize(longest+1))
			s.Emit(key(i), mapreduce.One())
		}
		if doubled := before + 2*int64(len(s.table.slots))*slotSize; doubled <= s.room || s.Err() != nil {
			t.Errorf("%d slots are spilled at %d bytes of %d, error %v", len(s.table.slots), before, s.room, s.Err())
		}
		s.Close()
	}
}

// TestTableOfASmallSlot has 2 MiB: the last step to fit is one from 16,384 places to twice as many.
func TestTableOfASmallSlot(t *testing.T) {
	s := NewSorter(SorterConfig{Combiner: mapreduce.Sum, Memory: 2 << 20, Scratch: t.TempDir()})
	defer s.Close()
	for i := range 32 << 10 * 3 / 4 {
		s.Emit(wordNumber(i), mapreduce.One())
	}
	if s.settle(); len(s.table.slots) != 32<<10 || len(s.spills) > 0 || s.Err() != nil {
		t.Errorf("%d places, %d spills, error %v", len(s.table.slots), len(s.spills), s.Err())
	}
}
