package shuffle

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type pair struct{ key, value string }

// concat is associative but not commutative, so that a test sees the order in which values are folded.
type concat struct{}

func (concat) Combine(acc, value []byte) []byte { return append(acc, value...) }

var combiners = map[string]mapreduce.Combiner{"none": nil, "sum": mapreduce.Sum, "concat": concat{}}

func attempt(n int) mapreduce.Attempt { return mapreduce.Attempt{Worker: "w-7f", N: uint32(n)} }

// emitted is a sorter that has taken the pairs.
func emitted(config SorterConfig, pairs []pair) *Sorter {
	s := NewSorter(config)
	for _, p := range pairs {
		s.Emit([]byte(p.key), []byte(p.value))
	}
	return s
}

// flushed is the chunks of each partition, and the digest.
func flushed(t rapid.TB, config SorterConfig, owner RunOwner, pairs []pair) ([][][]byte, mapreduce.Digest) {
	t.Helper()
	s := emitted(config, pairs)
	defer s.Close()
	runs := make([][][]byte, max(config.Partitions, 1))
	digest, err := s.Flush(context.Background(), owner, func(p int, chunk []byte) error {
		if limit := s.config.ChunkSize + MaxOverhead; len(chunk) > limit {
			t.Errorf("chunk of %d bytes, limit %d", len(chunk), limit)
		}
		runs[p] = append(runs[p], chunk)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Records() != int64(len(pairs)) {
		t.Fatalf("%d records, emitted %d", s.Records(), len(pairs))
	}
	return runs, digest
}

// folded is what one task's run holds of the pairs: the values of each key, or their fold.
func folded(combiner mapreduce.Combiner, pairs []pair) map[string][]string {
	groups := map[string][]string{}
	for _, p := range pairs {
		values := groups[p.key]
		if combiner == nil || len(values) == 0 {
			groups[p.key] = append(values, p.value)
			continue
		}
		values[0] = string(combiner.Combine([]byte(values[0]), []byte(p.value)))
	}
	return groups
}

// oracle is the plain way to the records of one partition.
func oracle(combiner mapreduce.Combiner, tasks [][]pair, partition, partitions int) []pair {
	groups := map[string][]string{}
	for _, pairs := range tasks {
		for key, values := range folded(combiner, pairs) {
			groups[key] = append(groups[key], values...)
		}
	}
	want := []pair{}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		for _, value := range groups[key] {
			if Partition([]byte(key), partitions) == partition {
				want = append(want, pair{key, value})
			}
		}
	}
	return want
}

var keys = rapid.OneOf(
	rapid.SampledFrom([]string{"", "a", "b", "\x00", "\x00\x00", "a\x00", "the", "\xff", "\xff\xff", "a-long-key-of-more-than-16"}),
	rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xff}), 0, 20), func(b []byte) string { return string(b) }),
	rapid.Map(rapid.StringMatching(`[ab\x00]{0,3}`), func(s string) string { return "prefix of more than 8 bytes: " + s }),
)

func values(combiner mapreduce.Combiner) *rapid.Generator[string] {
	if combiner == mapreduce.Sum {
		small := rapid.Int64Range(-3, 3)
		return rapid.Map(rapid.OneOf(small, rapid.Int64()), func(n int64) string { return string(binary.AppendVarint(nil, n)) })
	}
	return rapid.OneOf(rapid.SampledFrom([]string{"", "1", "\x00"}), rapid.StringN(0, 40, 200))
}

func pairs(combiner mapreduce.Combiner) *rapid.Generator[[]pair] {
	value := values(combiner)
	one := rapid.Custom(func(t *rapid.T) pair { return pair{keys.Draw(t, "key"), value.Draw(t, "value")} })
	return rapid.SliceOfN(one, 0, 60)
}

func drawConfig(t *rapid.T) SorterConfig {
	return SorterConfig{
		Partitions: rapid.SampledFrom([]int{1, 1, 2, 5}).Draw(t, "partitions"),
		Combiner:   combiners[rapid.SampledFrom([]string{"none", "sum", "concat"}).Draw(t, "combiner")],
		Memory:     rapid.SampledFrom([]int64{1, 400, 4000, 1 << 20}).Draw(t, "memory"),
		ChunkSize:  rapid.SampledFrom([]int{1, 16, 17, 100, 1 << 16}).Draw(t, "chunk size"),
	}
}

// TestOutputEqualsSortedMap is the promise of the package: whatever memory, chunk size, order of arrival, repetition and
// losers there are, the groups are those of a map and a sort, values in the order of task and position.
func TestOutputEqualsSortedMap(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		config := drawConfig(t)
		config.Scratch = dir
		tasks := rapid.SliceOfN(pairs(config.Combiner), 0, 6).Draw(t, "tasks")
		roster := make(mapreduce.Roster, len(tasks))
		arriving := make([][][]byte, config.Partitions)
		for task, emitted := range tasks {
			roster[task] = attempt(rapid.IntRange(1, 2).Draw(t, "winner"))
			loser := RunOwner{task, attempt(3)}
			if rapid.Bool().Draw(t, "has loser") {
				lost, _ := flushed(t, config, loser, pairs(config.Combiner).Draw(t, "loser's"))
				appendEach(arriving, lost)
			}
			runs, _ := flushed(t, config, RunOwner{task, roster[task]}, emitted)
			appendEach(arriving, runs)
		}
		memory := rapid.SampledFrom([]int64{1, 3000, 20000, 1 << 20}).Draw(t, "collector memory")
		for p := range config.Partitions {
			chunks := rapid.Permutation(append(arriving[p], arriving[p]...)).Draw(t, "order")
			m := merged(t, CollectorConfig{Roster: roster, Memory: memory, Scratch: dir}, chunks)
			want := oracle(config.Combiner, tasks, p, config.Partitions)
			if diff := cmp.Diff(want, read(t, m), cmp.AllowUnexported(pair{})); diff != "" {
				t.Fatalf("partition %d (-want +got):\n%s", p, diff)
			}
			if m.Count() != int64(len(want)) {
				t.Fatalf("count %d, want %d", m.Count(), len(want))
			}
			m.Close()
		}
	})
}

func appendEach(to, from [][][]byte) {
	for p := range from {
		to[p] = append(to[p], from[p]...)
	}
}

func merged(t rapid.TB, config CollectorConfig, chunks [][]byte) *Merge {
	t.Helper()
	c := NewCollector(config)
	for _, chunk := range chunks {
		if err := c.Add(chunk); err != nil {
			t.Fatal(err)
		}
	}
	m, err := c.Merge(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// read is everything that Groups yields; a key that comes twice is a pair of its own marking.
func read(t rapid.TB, m *Merge) []pair {
	t.Helper()
	got := []pair{}
	seen := map[string]bool{}
	err := m.Groups(context.Background(), func(key []byte, values iter.Seq[[]byte]) error {
		if seen[string(key)] {
			return fmt.Errorf("key %q came twice", key)
		}
		seen[string(key)] = true
		for value := range values {
			got = append(got, pair{string(key), string(value)})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestDigestDependsOnPairsOnly(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		config := drawConfig(t)
		config.Scratch = dir
		emitted := pairs(config.Combiner).Draw(t, "pairs")
		_, got := flushed(t, config, RunOwner{2, attempt(1)}, emitted)
		plain := SorterConfig{Partitions: config.Partitions, Combiner: config.Combiner}
		_, want := flushed(t, plain, RunOwner{3, attempt(2)}, emitted)
		if got != want {
			t.Fatalf("digest %x, of an unbounded sorter %x", got, want)
		}
		other := append(slices.Clone(emitted), pair{"one more", "\x02"})
		if _, differs := flushed(t, config, RunOwner{2, attempt(1)}, other); differs == got {
			t.Fatalf("digest %x with and without a pair", got)
		}
	})
}

func TestDigestSeesPartitionBorders(t *testing.T) {
	var one, two digest
	one.add(Trailer{1, 8, 1})
	one.add(Trailer{0, 0, 0})
	two.add(Trailer{0, 0, 0})
	two.add(Trailer{1, 8, 1})
	if one.sum() == two.sum() {
		t.Fatal("a record in another partition has the same digest")
	}
}

// TestChunksAreEqualWhateverTheMemory: spills leave no trace in what is sent.
func TestChunksAreEqualWhateverTheMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config := drawConfig(t)
		emitted := pairs(config.Combiner).Draw(t, "pairs")
		small, _ := flushed(t, config, RunOwner{2, attempt(1)}, emitted)
		config.Memory = 1 << 20
		large, _ := flushed(t, config, RunOwner{2, attempt(1)}, emitted)
		if !slices.EqualFunc(small, large, func(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }) {
			t.Fatal("chunks differ")
		}
	})
}

func TestRecordsYieldsWhatGroupsDo(t *testing.T) {
	emitted := []pair{{"b", "1"}, {"a", "2"}, {"b", "3"}, {"", ""}}
	runs, _ := flushed(t, SorterConfig{}, RunOwner{0, attempt(1)}, emitted)
	m := merged(t, CollectorConfig{Roster: mapreduce.Roster{attempt(1)}}, runs[0])
	defer m.Close()
	var got []pair
	err := m.Records(t.Context(), func(key, value []byte) error {
		got = append(got, pair{string(key), string(value)})
		return nil
	})
	want := []pair{{"", ""}, {"a", "2"}, {"b", "1"}, {"b", "3"}}
	if err != nil || !slices.Equal(got, want) || m.Count() != 4 {
		t.Fatalf("got %v, count %d, error %v", got, m.Count(), err)
	}
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
