package shuffle

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

func TestEmitAllocatesNothingForKnownWords(t *testing.T) {
	s := NewSorter(SorterConfig{Partitions: 3, Combiner: mapreduce.Sum})
	defer s.Close()
	list, one := append(words(4096, 1000), []byte("a word that is longer than a slot")), mapreduce.One()
	emit := func() {
		for _, w := range list {
			s.Emit(w, one)
		}
	}
	if n := testing.AllocsPerRun(10, emit); n > 0 {
		t.Errorf("%v allocations for %d words", n, len(list))
	}
}

func TestValueThatIsNoVarintSticks(t *testing.T) {
	for _, bad := range []string{"", "\x80", "\x02\x02", strings.Repeat("\xff", 11)} {
		s := NewSorter(SorterConfig{Combiner: mapreduce.Sum})
		s.Emit([]byte("good"), mapreduce.One())
		s.Emit([]byte("bad"), []byte(bad))
		err := s.Err()
		if err == nil || !strings.Contains(err.Error(), `sum "bad": `) {
			t.Fatalf("%q: error %v", bad, err)
		}
		s.Emit([]byte("dropped"), mapreduce.One())
		if s.Records() != 1 || s.Err() != err {
			t.Errorf("%q: %d records, error %v", bad, s.Records(), s.Err())
		}
		s.Close()
	}
}

func TestAddIsEmitOfAVarint(t *testing.T) {
	for name, combiner := range combiners {
		added := NewSorter(SorterConfig{Combiner: combiner})
		added.Add([]byte("k"), -3)
		added.Add([]byte("k"), 1000)
		_, want := flushed(t, SorterConfig{Combiner: combiner}, RunOwner{0, attempt(1)}, []pair{{"k", "\x05"}, {"k", "\xd0\x0f"}})
		got, err := added.Flush(t.Context(), RunOwner{0, attempt(1)}, func(int, []byte) error { return nil })
		if err != nil || got != want {
			t.Errorf("%s: digest %x, want %x, error %v", name, got, want, err)
		}
		added.Close()
	}
}

// TestEmitCopies: the caller reuses its buffers at once.
func TestEmitCopies(t *testing.T) {
	for name, combiner := range combiners {
		s := NewSorter(SorterConfig{Combiner: combiner})
		key, value := []byte("a key that is longer than a slot 1"), []byte{2}
		for _, c := range []byte("1212") {
			key[len(key)-1] = c
			s.Emit(key, value)
		}
		key[0], value[0] = 'x', 'x'
		m, _ := s.memory()
		s.index.arrange(m, 1)
		for _, e := range s.index.list {
			k, v := m.record(e.where & refMask)
			if k[0] == 'x' || v[0] == 'x' {
				t.Errorf("%s: the sorter has %q %q", name, k, v)
			}
		}
		s.Close()
	}
}

// TestSortIsStableAndByBytes with more keys than rapid draws: all passes of the radix sort.
func TestSortIsStableAndByBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	kinds := map[string]func(i int) string{
		"words":           func(int) string { return string(wordNumber(random.IntN(800))) },
		"random":          func(int) string { return fmt.Sprint(random.Uint64()) },
		"zeros":           func(int) string { return strings.Repeat("\x00", random.IntN(40)) },
		"one key":         func(int) string { return "always the same key, and long" },
		"shared prefixes": func(int) string { return "http://example.com/" + fmt.Sprint(random.IntN(500)) },
		"descending":      func(i int) string { return fmt.Sprintf("%08d", 99999-i) },
		"ascending":       func(i int) string { return fmt.Sprintf("%08d", i/3) },
	}
	for name, key := range kinds {
		var want []pair
		b := newBuffer(1 << 20)
		for i := range 4_000 {
			p := pair{key(i), fmt.Sprint(i)}
			want = append(want, p)
			b.add(0, []byte(p.key), []byte(p.value))
		}
		slices.SortStableFunc(want, func(x, y pair) int { return strings.Compare(x.key, y.key) })
		var x index
		x.arrange(b, 1)
		for i, e := range x.list {
			k, v := b.record(e.where & refMask)
			if string(k) != want[i].key || string(v) != want[i].value {
				t.Fatalf("%s: record %d is %q %q, want %v", name, i, k, v, want[i])
			}
		}
	}
}

func TestAscendingKeysAreNotSorted(t *testing.T) {
	for name, test := range map[string]struct {
		pairs  []pair
		sorted bool
	}{
		"ascending": {[]pair{{"", "1"}, {"a", "2"}, {"a", "0"}, {"a\x00", "3"}, {"the same 8 a", ""}, {"the same 8 b", ""}}, false},
		"not":       {[]pair{{"the same 8 b", ""}, {"the same 8 a", ""}}, true},
		"zero last": {[]pair{{"a\x00", ""}, {"a", ""}}, true},
	} {
		s := emitted(SorterConfig{}, test.pairs)
		s.index.arrange(s.buffer, 1)
		if sorted := s.index.own != nil; sorted != test.sorted {
			t.Errorf("%s: sorted %v, want %v", name, sorted, test.sorted)
		}
		s.Close()
	}
}

func TestBufferStaysWithinMemory(t *testing.T) {
	const memory = 1 << 20
	s := NewSorter(SorterConfig{Memory: memory, Scratch: t.TempDir()})
	defer s.Close()
	for i := range 15_000 {
		s.Emit(wordNumber(i), bytes.Repeat([]byte("v"), i%300))
		if s.buffer.bytes() > memory {
			t.Fatalf("%d bytes in a memory of %d", s.buffer.bytes(), memory)
		}
	}
	if len(s.spills) < 3 {
		t.Errorf("%d spills", len(s.spills))
	}
}

// TestRecordLargerThanMemory still goes through, and the memory that it took is given back.
func TestRecordLargerThanMemory(t *testing.T) {
	big := strings.Repeat("big", 1<<18)
	runs, _ := flushed(t, SorterConfig{Memory: 1000, ChunkSize: 1000, Scratch: t.TempDir()}, RunOwner{0, attempt(1)},
		[]pair{{"b", big}, {big, "k"}, {"a", ""}})
	m := merged(t, CollectorConfig{Roster: mapreduce.Roster{attempt(1)}, Memory: 1000, Scratch: t.TempDir()}, runs[0])
	defer m.Close()
	if got := read(t, m); len(got) != 3 || got[1] != (pair{"b", big}) || got[2] != (pair{big, "k"}) {
		t.Fatalf("%d records", len(got))
	}
	b := newBuffer(1000)
	b.add(0, []byte(big), nil)
	if b.reset(); len(b.arena.blocks) != 0 {
		t.Error("the large block is kept")
	}
}

// TestManySpillsAreMergedInPasses: no more are open at a time than memory has room for.
func TestManySpillsAreMergedInPasses(t *testing.T) {
	var many []pair
	for i := range 100 {
		many = append(many, pair{fmt.Sprint(i % 7), fmt.Sprint(i)})
	}
	config := SorterConfig{Memory: 1, Partitions: 2, Scratch: t.TempDir()}
	s := emitted(config, many)
	defer s.Close()
	before := len(s.spills)
	sources, err := s.sources(t.Context())
	if fit := 2; err != nil || before < 99 || len(sources) != fit+1 {
		t.Errorf("%d spills became %d sources, %d fit; error %v", before, len(sources), fit, err)
	}
}

// TestDiskThatTakesNoMoreIsAnError, and what follows is dropped.
func TestDiskThatTakesNoMoreIsAnError(t *testing.T) {
	s := emitted(SorterConfig{Memory: 1, Scratch: t.TempDir()}, []pair{{"a", ""}, {"b", ""}})
	defer s.Close()
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	s.scratch.file.Close()
	s.Emit([]byte("c"), nil)
	s.Emit([]byte("d"), nil)
	if err := s.Err(); err == nil || !strings.HasPrefix(err.Error(), "write scratch file: ") || s.Records() != 3 {
		t.Errorf("%d records, error %v", s.Records(), err)
	}
}

// TestNothingIsLeftInScratch: while it is in use too, so that a kill leaves nothing.
func TestNothingIsLeftInScratch(t *testing.T) {
	dir := t.TempDir()
	s := emitted(SorterConfig{Memory: 1, Scratch: dir}, []pair{{"a", ""}, {"b", ""}, {"c", ""}})
	defer s.Close()
	if len(s.spills) == 0 {
		t.Fatal("nothing was spilled")
	}
	if s.scratch.left {
		t.Skip("this system keeps names of open files")
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("%v, error %v", names, err)
	}
}

func TestEveryPartitionGetsATrailer(t *testing.T) {
	runs, _ := flushed(t, SorterConfig{Partitions: 50}, RunOwner{0, attempt(1)}, []pair{{"a", ""}})
	for p, chunks := range runs {
		if len(chunks) != 1 {
			t.Fatalf("partition %d has %d chunks", p, len(chunks))
		}
		if c, err := ParseChunk(chunks[0]); err != nil || !c.Last {
			t.Errorf("partition %d: last %v, error %v", p, c.Last, err)
		}
	}
}

func TestPushErrorEndsFlush(t *testing.T) {
	s := emitted(SorterConfig{Partitions: 4}, []pair{{"a", ""}})
	defer s.Close()
	full, calls := errors.New("stream full"), 0
	_, err := s.Flush(t.Context(), RunOwner{3, attempt(1)}, func(int, []byte) error { calls++; return full })
	if !errors.Is(err, full) || calls != 1 || !strings.Contains(err.Error(), "flush runs of task 3, attempt w-7f-1: push chunk 0 of partition 0: ") {
		t.Errorf("error %v after %d calls", err, calls)
	}
	s.Emit([]byte("late"), nil)
	if _, err := s.Flush(t.Context(), RunOwner{3, attempt(1)}, nil); err == nil {
		t.Error("a spent sorter flushes")
	}
	if s.Records() != 1 || s.Err() != nil {
		t.Errorf("spent: %d records, error %v", s.Records(), s.Err())
	}
}

func TestTooManyPartitionsAreRefused(t *testing.T) {
	for _, n := range []int{-1, mapreduce.MaxPartitions + 1} {
		s := NewSorter(SorterConfig{Partitions: n})
		if s.Emit([]byte("a"), nil); s.Err() == nil {
			t.Errorf("%d partitions are taken", n)
		}
		s.Close()
	}
}
