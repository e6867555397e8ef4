package shuffle

import (
	"bytes"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"jetreduce/mapreduce"
)

// longer keeps the longer value: a combiner whose values may be of any length.
type longer struct{}

func (longer) Combine(acc, value []byte) []byte {
	if len(value) > len(acc) {
		return append(acc[:0], value...)
	}
	return acc
}

// text is so many bytes that neither shrink nor repeat, and end in a letter.
func text(size int) string {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(size)}).Read(b)
	return string(append(b, 'z')[1:])
}

// through takes what emit emits through Sorter, chunks, Collector and Merge.
func through(t *testing.T, config SorterConfig, emit func(*Sorter), read func(*Merge) error) {
	t.Helper()
	s := NewSorter(config)
	defer s.Close()
	emit(s)
	roster := mapreduce.Roster{attempt(1)}
	c := NewCollector(CollectorConfig{Roster: roster, Keying: config.Keying, Memory: config.Memory, Scratch: config.Scratch})
	defer c.Close()
	if _, err := s.Flush(t.Context(), RunOwner{0, attempt(1)}, func(_ int, chunk []byte) error { return c.Add(chunk) }); err != nil {
		t.Fatal(err)
	}
	s.Close()
	m, err := c.Merge(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := read(m); err != nil {
		t.Fatal(err)
	}
}

// passed is the pairs as they come out.
func passed(t *testing.T, config SorterConfig, all []pair) (got []pair) {
	t.Helper()
	through(t, config, func(s *Sorter) {
		for _, p := range all {
			s.Emit([]byte(p.key), []byte(p.value))
		}
	}, func(m *Merge) error { got = readPairs(t, m); return nil })
	return got
}

// sizes are those at which buffers, blocks and lengths end.
var sizes = []int{0, 1, 127, 128, 4095, 4096, 4097, 65535, 65536, 65537, 1<<20 - 1, 1 << 20, 1<<20 + 1}

// sized has keys and values of every size, both of a size at once too, in no order.
func sized(sizes []int) (all []pair) {
	for _, n := range sizes {
		all = append(all, pair{text(n), "of a key"}, pair{fmt.Sprint("value of ", n), text(n)}, pair{text(n) + "both", text(n)})
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func TestRecordsOfEverySizeSurvive(t *testing.T) {
	dir, all := t.TempDir(), sized(sizes)
	for _, memory := range []int64{64 << 10, 1 << 20, 8 << 20} {
		for name, keying := range map[string]Keying{"plain": {}, "ordered": {Order: downwards, Group: func(key []byte) []byte { return key }}} {
			for of, combiner := range map[string]mapreduce.Combiner{"none": nil, "longer": longer{}} {
				t.Run(fmt.Sprintf("%dKiB/%s/%s", memory>>10, name, of), func(t *testing.T) {
					config := SorterConfig{Keying: keying, Combiner: combiner, Memory: memory, ChunkSize: 64 << 10, Scratch: dir}
					want := naive{keying}.run(all, combiner, 0, 1)
					if got := passed(t, config, all); !slices.Equal(got, want) {
						t.Errorf("%d records, want %d; or they differ", len(got), len(want))
					}
				})
			}
		}
	}
}

// TestLargestRecordsSurvive: of 64 MiB, which is the most that a fixed record of an input may have.
func TestLargestRecordsSurvive(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a GiB")
	}
	all := []pair{{"of a value", text(64 << 20)}, {text(64 << 20), "of a key"}, {"a", ""}}
	for memory, keying := range map[int64]Keying{64 << 10: {}, 8 << 20: {Order: byLength}} {
		got := passed(t, SorterConfig{Keying: keying, Memory: memory, Scratch: t.TempDir()}, all)
		if want := (naive{keying}).run(all, nil, 0, 1); !slices.Equal(got, want) {
			t.Errorf("%d KiB: %d records, want %d; or they differ", memory>>10, len(got), len(want))
		}
	}
}

func TestKeysOfEverySizeAreSummed(t *testing.T) {
	var all []pair
	for _, n := range append(slices.Clone(sizes), sizes...) {
		all = append(all, pair{text(n), "\x02"})
	}
	for _, memory := range []int64{64 << 10, 1 << 20, 8 << 20} {
		for name, keying := range map[string]Keying{"plain": {}, "ordered": {Order: downwards}} {
			config := SorterConfig{Keying: keying, Combiner: mapreduce.Sum, Memory: memory, Scratch: t.TempDir()}
			if got, want := passed(t, config, all), (naive{keying}).run(all, mapreduce.Sum, 0, 1); !slices.Equal(got, want) {
				t.Errorf("%d KiB, %s: %d sums, want %d; or they differ", memory>>10, name, len(got), len(want))
			}
		}
	}
}

// live is the bytes of all objects that can be reached.
func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// allocated is the bytes of all objects that were ever made.
func allocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}

// TestRecordLargerThanMemoryTakesFewTimesItself. Live at a time, behind the chunks, are what a reader gathers and the key of the group. All
// that is ever allocated bounds what is there at any moment before: of the record a copy in the arena, what two readers gather, behind the
// spill and behind the chunks (as much twice over, while it doubles), its chunks, the scratch of s2, a combiner's copy (twice over
// likewise), and the group's key. Slack is for chunks' buffers.
func TestRecordLargerThanMemoryTakesFewTimesItself(t *testing.T) {
	const size, times, slack = 16 << 20, 11, 8 << 20
	for _, memory := range []int64{64 << 10, 8 << 20} {
		for of, combiner := range map[string]mapreduce.Combiner{"none": nil, "longer": longer{}} {
			for what, record := range map[string]pair{"key": {text(size), "v"}, "value": {"k", text(size)}} {
				config := SorterConfig{Combiner: combiner, Memory: memory, Scratch: t.TempDir()}
				key, value := []byte(record.key), []byte(record.value)
				base, before, most, same := live(), allocated(), int64(0), 0
				through(t, config, func(s *Sorter) {
					s.Emit([]byte("\x00"), []byte("before"))
					s.Emit(key, value)
					s.Emit([]byte("\x00"), []byte("behind"))
				}, func(m *Merge) error {
					return m.Groups(t.Context(), func(k []byte, values iter.Seq[[]byte]) error {
						for v := range values {
							if bytes.Equal(k, key) && bytes.Equal(v, value) {
								same, most = same+1, live()-base
							}
						}
						return nil
					})
				})
				took := allocated() - before
				t.Logf("%d KiB, %s, a large %s: %.1f times live, %.1f in all", memory>>10, of, what, float64(most)/size, float64(took)/size)
				if same != 1 || most > 2*size+memory+slack || took > times*size+memory+slack {
					t.Errorf("%d KiB, %s, a large %s: %d came, %d bytes live, %d in all", memory>>10, of, what, same, most, took)
				}
			}
		}
	}
}

// TestSpillsOfLargeRecordsAreFewAtATime: each that is merged has a record in memory, so of records beyond the bound there are two, what
// a combiner holds, and the one that has not been spilled.
func TestSpillsOfLargeRecordsAreFewAtATime(t *testing.T) {
	const size, many, memory, slack = 4 << 20, 8, 1 << 20, 2 << 20
	value := []byte(text(size))
	before, most := live(), int64(0)
	s := NewSorter(SorterConfig{Memory: memory, ChunkSize: 64 << 10, Scratch: t.TempDir()})
	defer s.Close()
	for i := range many {
		s.Emit([]byte{byte(many - i)}, value)
	}
	n := 0
	err := s.Each(t.Context(), func(_, got []byte) error {
		if most = max(most, live()-before); !bytes.Equal(got, value) {
			return fmt.Errorf("value %d differs", n)
		}
		n++
		return nil
	})
	if err != nil || n != many || most > 3*size+memory+slack {
		t.Errorf("%d of %d records of %d, %d bytes live, error %v", n, many, size, most, err)
	}
}

// TestLargeRecordIsNotCarriedOn: what gathers records gives the memory of a large one back.
func TestLargeRecordIsNotCarriedOn(t *testing.T) {
	file := &scratch{dir: t.TempDir()}
	defer file.close()
	out := &appender{scratch: file, buf: make([]byte, 0, 4<<10), alive: t.Context().Err}
	for _, n := range []int{2 * keepRecord, 3000, 3000, 3000} {
		if err := out.put([]byte("k"), make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.flush(); err != nil || out.largest < 2*keepRecord || out.largest > 2*keepRecord+heads {
		t.Errorf("the largest has %d bytes, error %v", out.largest, err)
	}
	in := file.section(0, file.size, make([]byte, 4<<10))
	for i := range 4 {
		if _, _, err := in.next(); err != nil || i == 3 && cap(in.carry) > keepRecord {
			t.Errorf("record %d: %d bytes are carried, error %v", i, cap(in.carry), err)
		}
	}
}
