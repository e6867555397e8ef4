package shuffle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
)

// threeTasks is a job of one partition: two chunks or more for each task.
func threeTasks(t *testing.T) (mapreduce.Roster, [][]byte) {
	var roster mapreduce.Roster
	var chunks [][]byte
	for task := range 3 {
		runs, _ := flushed(t, SorterConfig{ChunkSize: 40}, RunOwner{task, attempt(task)}, []pair{
			{"key", strings.Repeat("v", 60)}, {"other", fmt.Sprint(task)},
		})
		roster = append(roster, attempt(task))
		chunks = append(chunks, runs[0]...)
	}
	return roster, chunks
}

// TestLostChunkIsNamed: without any one chunk, there is no merge.
func TestLostChunkIsNamed(t *testing.T) {
	roster, chunks := threeTasks(t)
	for i := range chunks {
		c := NewCollector(CollectorConfig{Roster: roster})
		for _, chunk := range slices.Delete(slices.Clone(chunks), i, i+1) {
			if err := c.Add(chunk); err != nil {
				t.Fatal(err)
			}
		}
		lost, _ := ParseChunk(chunks[i])
		_, err := c.Merge(t.Context())
		if c.Complete() || !errors.Is(err, mapreduce.ErrRunsLost) || !strings.Contains(err.Error(), fmt.Sprintf("task %d (attempt", lost.Task)) {
			t.Fatalf("chunk %d of task %d: complete %v, error %v", lost.Seq, lost.Task, c.Complete(), err)
		}
		if err := c.Add(chunks[i]); err != nil || !c.Complete() {
			t.Fatalf("late chunk: complete %v, error %v", c.Complete(), err)
		}
		c.Close()
	}
}

func TestMissingTasksAreSummedUp(t *testing.T) {
	c := NewCollector(CollectorConfig{Roster: make(mapreduce.Roster, 100)})
	defer c.Close()
	_, err := c.Merge(t.Context())
	if err == nil || !strings.Contains(err.Error(), "and 95 more") || len(err.Error()) > 300 {
		t.Fatalf("error %v", err)
	}
}

// TestDamagedChunkIsNamedAndMayComeAgain: damage is not a loss as long as a good copy comes.
func TestDamagedChunkIsNamedAndMayComeAgain(t *testing.T) {
	roster, chunks := threeTasks(t)
	c := NewCollector(CollectorConfig{Roster: roster})
	for _, chunk := range chunks {
		bad := bytes.Clone(chunk)
		bad[len(bad)-checksumSize-1] ^= 1 // in the body
		good, _ := ParseChunk(chunk)
		name := fmt.Sprintf("chunk %d of task %d, attempt %s: ", good.Seq, good.Task, good.Attempt)
		if err := c.Add(bad); !errors.Is(err, mapreduce.ErrRunsLost) || !strings.Contains(err.Error(), name) {
			t.Fatalf("error %v does not name %s", err, name)
		}
		if err := c.Add(chunk); err != nil {
			t.Fatal(err)
		}
	}
	m, err := c.Merge(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := read(t, m); len(got) != 6 {
		t.Fatalf("got %v", got)
	}
}

func TestLosersNeverComplete(t *testing.T) {
	roster, chunks := threeTasks(t)
	roster[1] = attempt(77)
	c := NewCollector(CollectorConfig{Roster: roster})
	defer c.Close()
	for _, chunk := range chunks {
		if err := c.Add(chunk); err != nil {
			t.Fatal(err)
		}
	}
	foreign, _ := flushed(t, SorterConfig{}, RunOwner{3, attempt(3)}, nil)
	if err := c.Add(foreign[0][0]); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Merge(t.Context()); !errors.Is(err, mapreduce.ErrRunsLost) || !strings.Contains(err.Error(), "attempt w-7f-77, 0 chunks") {
		t.Fatalf("error %v", err)
	}
}

// TestRunThatContradictsItsTrailerIsLost: chunks whose checksums are right, of a run that is wrong.
func TestRunThatContradictsItsTrailerIsLost(t *testing.T) {
	const body = "\x01k\x01v\x01k\x01w"
	right := xxh3.HashString(body)
	one := func(records, bytes int, digest uint64, body string) [][]byte {
		return [][]byte{sealed(flagLast, 0, 3, "w-1", 0, records, bytes, digest, len(body), body)}
	}
	for name, test := range map[string]struct {
		chunks [][]byte
		good   bool
	}{
		"right":                        {one(2, 8, right, body), true},
		"records":                      {one(3, 8, right, body), false},
		"fewer records":                {one(1, 8, right, body), false},
		"bytes":                        {one(2, 9, right, body), false},
		"digest":                       {one(2, 8, right+1, body), false},
		"record cut":                   {one(2, 7, xxh3.HashString(body[:7]), body[:7]), false},
		"length lies":                  {one(1, 4, xxh3.HashString("\xff\xff\x7fk"), "\xff\xff\x7fk"), false},
		"length is none":               {one(1, 12, xxh3.HashString(strings.Repeat("\xff", 12)), strings.Repeat("\xff", 12)), false},
		"bytes behind the last record": {one(1, 6, xxh3.HashString("\x01k\x01v\x05x"), "\x01k\x01v\x05x"), false},
		"two lasts":                    {append(one(2, 8, right, body), sealed(flagLast, 0, 3, "w-1", 1, 0, 0, uint64(0), 0)), false},
		"behind the last":              {append(one(2, 8, right, body), sealed(0, 0, 3, "w-1", 1, 0)), false},
		"last too early":               {[][]byte{sealed(0, 0, 3, "w-1", 5, 0), sealed(flagLast, 0, 3, "w-1", 1, 2, 8, right, 8, body)}, false},
		"bad s2":                       {[][]byte{sealed(flagLast|flagS2, 0, 3, "w-1", 0, 2, 8, right, 8, "\x08zzzzzz")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := readAll(t.Context(), CollectorConfig{Roster: mapreduce.Roster{{Worker: "w", N: 1}}}, test.chunks)
			if test.good != (err == nil) || !test.good && !errors.Is(err, mapreduce.ErrRunsLost) {
				t.Fatalf("error %v", err)
			}
		})
	}
}

// readAll reads as a careless consumer does: it asks no sequence why it ended.
func readAll(ctx context.Context, config CollectorConfig, chunks [][]byte) error {
	c := NewCollector(config)
	defer c.Close()
	for _, chunk := range chunks {
		if err := c.Add(chunk); err != nil {
			return err
		}
	}
	m, err := c.Merge(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	return m.Groups(ctx, func(_ []byte, values iter.Seq[[]byte]) error {
		for range values {
		}
		return nil
	})
}

// TestContradictionIsSeenInEveryPass: also when the run is read for an intermediate one.
func TestContradictionIsSeenInEveryPass(t *testing.T) {
	var roster mapreduce.Roster
	var chunks [][]byte
	for task := range 9 {
		runs, _ := flushed(t, SorterConfig{}, RunOwner{task, attempt(1)}, []pair{{"k", "v"}})
		roster, chunks = append(roster, attempt(1)), append(chunks, runs[0]...)
	}
	chunks[4] = sealed(flagLast, 4, 6, "w-7f-1", 0, 1, 4, uint64(4711), 4, "\x01k\x01v")
	err := readAll(t.Context(), CollectorConfig{Roster: roster, Memory: 1, Scratch: t.TempDir()}, chunks)
	if !errors.Is(err, mapreduce.ErrRunsLost) || !strings.Contains(err.Error(), "task 4, attempt w-7f-1") {
		t.Fatalf("error %v", err)
	}
}

func groupsOf(t *testing.T, config CollectorConfig, pairs ...pair) *Merge {
	runs, _ := flushed(t, SorterConfig{}, RunOwner{0, attempt(1)}, pairs)
	config.Roster = mapreduce.Roster{attempt(1)}
	m := merged(t, config, runs[0])
	t.Cleanup(func() { m.Close() })
	return m
}

func TestValuesLeftAreSkipped(t *testing.T) {
	m := groupsOf(t, CollectorConfig{}, pair{"a", "1"}, pair{"a", "2"}, pair{"a", "3"}, pair{"b", "4"}, pair{"c", "5"}, pair{"c", "6"})
	var got []string
	err := m.Groups(t.Context(), func(key []byte, values iter.Seq[[]byte]) error {
		got = append(got, string(key))
		if string(key) == "b" {
			return nil // takes none
		}
		for value := range values {
			got = append(got, string(value))
			break
		}
		if string(key) == "a" { // goes on where it left
			for value := range values {
				got = append(got, string(value))
			}
		}
		return nil
	})
	if want := []string{"a", "1", "2", "3", "b", "c", "5"}; err != nil || !slices.Equal(got, want) {
		t.Fatalf("got %v, error %v", got, err)
	}
	if m.Count() != 6 {
		t.Errorf("count %d, want 6: skipped ones are read too", m.Count())
	}
}

func TestSequenceDoesNotOutliveItsGroup(t *testing.T) {
	m := groupsOf(t, CollectorConfig{}, pair{"a", "1"}, pair{"b", "2"}, pair{"b", "3"})
	var kept iter.Seq[[]byte]
	var got []string
	err := m.Groups(t.Context(), func(key []byte, values iter.Seq[[]byte]) error {
		if kept != nil {
			for value := range kept {
				got = append(got, "stale "+string(value))
			}
		}
		kept = values
		for value := range values {
			got = append(got, string(value))
		}
		return nil
	})
	if want := []string{"1", "2", "3"}; err != nil || !slices.Equal(got, want) {
		t.Fatalf("got %v, error %v", got, err)
	}
}

func TestConsumersErrorEndsGroups(t *testing.T) {
	m := groupsOf(t, CollectorConfig{}, pair{"a", "1"}, pair{"b", "2"})
	stop, calls := errors.New("stop"), 0
	err := m.Groups(t.Context(), func([]byte, iter.Seq[[]byte]) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Fatalf("error %v after %d calls", err, calls)
	}
}

func TestCancelledContextEndsMergeAndFlush(t *testing.T) {
	m := groupsOf(t, CollectorConfig{}, pair{"a", "1"})
	err := m.Groups(cancelled(t), func([]byte, iter.Seq[[]byte]) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("groups: error %v", err)
	}
	s := emitted(SorterConfig{}, []pair{{"a", "1"}})
	defer s.Close()
	_, err = s.Flush(cancelled(t), RunOwner{0, attempt(1)}, func(int, []byte) error { t.Error("pushed"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("flush: error %v", err)
	}
}

// TestCancelInsideHotKeyIsAnError: the values end, and Groups says why.
func TestCancelInsideHotKeyIsAnError(t *testing.T) {
	hot := slices.Repeat([]pair{{"hot", "v"}}, 5000)
	m := groupsOf(t, CollectorConfig{}, hot...)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := m.Groups(ctx, func(_ []byte, values iter.Seq[[]byte]) error {
		for range values {
			cancel()
			n++
		}
		return errors.New("what the consumer makes of it")
	})
	if !errors.Is(err, context.Canceled) || n >= 5000 {
		t.Fatalf("error %v after %d values", err, n)
	}
}

// TestHotKeyLargerThanMemoryStreams: 16 MiB of values of one key pass through a bound of 1 MiB, in order.
func TestHotKeyLargerThanMemoryStreams(t *testing.T) {
	const tasks, each, size, bound = 4, 4096, 1024, 1 << 20
	dir := t.TempDir()
	c := NewCollector(CollectorConfig{Roster: slices.Repeat(mapreduce.Roster{attempt(1)}, tasks), Memory: bound, Scratch: dir})
	value, random := make([]byte, size), rand.NewChaCha8([32]byte{})
	for task := range tasks {
		s := NewSorter(SorterConfig{Memory: bound, ChunkSize: 64 << 10, Scratch: dir})
		for i := range each {
			_, _ = random.Read(value)
			binary.BigEndian.PutUint32(value, uint32(task*each+i))
			s.Emit([]byte("hot"), value)
		}
		_, err := s.Flush(t.Context(), RunOwner{task, attempt(1)}, func(_ int, chunk []byte) error { return c.Add(chunk) })
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	m, err := c.Merge(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	next, most := uint32(0), uint64(0)
	err = m.Groups(t.Context(), func(_ []byte, values iter.Seq[[]byte]) error {
		for v := range values {
			if got := binary.BigEndian.Uint32(v); got != next {
				return fmt.Errorf("value %d where %d should be", got, next)
			}
			if next++; next%4096 == 0 {
				most = max(most, heap())
			}
		}
		return nil
	})
	if err != nil || next != tasks*each {
		t.Fatalf("%d values, error %v", next, err)
	}
	if most > 8<<20 {
		t.Errorf("%d MiB of heap to stream 16 MiB", most>>20)
	}
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestManyRunsMergeInLittleMemory(t *testing.T) {
	const tasks = 300
	dir := t.TempDir()
	var roster mapreduce.Roster
	var chunks [][]byte
	var want []pair
	for task := range tasks {
		runs, _ := flushed(t, SorterConfig{ChunkSize: 8}, RunOwner{task, attempt(1)}, []pair{{"key", fmt.Sprint(task)}, {"zz", ""}})
		roster, chunks = append(roster, attempt(1)), append(chunks, runs[0]...)
		want = append(want, pair{"key", fmt.Sprint(task)})
	}
	m := merged(t, CollectorConfig{Roster: roster, Memory: 20_000, Scratch: dir}, chunks)
	defer m.Close()
	if fan := len(m.tree.streams); fan > 10 {
		t.Errorf("%d runs are merged at a time", fan)
	}
	if got := read(t, m); !slices.Equal(got[:tasks], want) || len(got) != 2*tasks {
		t.Fatalf("got %d records", len(got))
	}
}

func TestScratchThatCannotBeIsAClearError(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	s := NewSorter(SorterConfig{Memory: 1, Scratch: missing})
	for range 3 {
		s.Emit([]byte("key"), nil)
	}
	err := s.Err()
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "create scratch file: ") || !strings.Contains(err.Error(), missing) {
		t.Errorf("sorter: error %v", err)
	}
	if _, flushErr := s.Flush(t.Context(), RunOwner{}, nil); flushErr != err {
		t.Errorf("flush: error %v, want %v", flushErr, err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("close: error %v", err)
		}
	}
	roster, chunks := threeTasks(t)
	err = readAll(t.Context(), CollectorConfig{Roster: roster, Memory: 1, Scratch: missing}, chunks)
	if !errors.Is(err, os.ErrNotExist) || errors.Is(err, mapreduce.ErrRunsLost) {
		t.Errorf("collector: error %v", err)
	}
}

func TestClosedTakesNothing(t *testing.T) {
	roster, chunks := threeTasks(t)
	m := merged(t, CollectorConfig{Roster: roster}, chunks)
	for range 2 {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := m.Records(t.Context(), nil); err == nil {
		t.Error("a closed merge goes on")
	}
	c := NewCollector(CollectorConfig{Roster: roster})
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	if c.Add(chunks[0]) == nil {
		t.Error("a closed collector takes a chunk")
	}
	if _, err := c.Merge(t.Context()); err == nil {
		t.Error("a closed collector merges")
	}
}

func FuzzCollectorAdd(f *testing.F) {
	runs, _ := flushed(f, SorterConfig{ChunkSize: 20}, RunOwner{0, attempt(1)}, []pair{{"k", strings.Repeat("v", 30)}})
	f.Add(runs[0][0], runs[0][1])
	f.Add(sealed(flagLast, 0, 6, "w-7f-1", 0, 1, 4, xxh3.HashString("\x01k\x01v"), 4, "\x01k\x01v"), []byte{})
	f.Fuzz(func(t *testing.T, one, two []byte) {
		reseal(one)
		reseal(two)
		c := NewCollector(CollectorConfig{Roster: mapreduce.Roster{attempt(1)}})
		defer c.Close()
		if err := errors.Join(c.Add(one), c.Add(two)); err != nil && !errors.Is(err, mapreduce.ErrRunsLost) && !errors.Is(err, ErrVersion) {
			t.Fatal(err)
		}
		m, err := c.Merge(t.Context())
		if err != nil {
			return
		}
		defer m.Close()
		err = m.Groups(t.Context(), func([]byte, iter.Seq[[]byte]) error { return nil })
		if err != nil && !errors.Is(err, mapreduce.ErrRunsLost) {
			t.Fatal(err)
		}
	})
}
