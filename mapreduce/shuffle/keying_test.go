package shuffle

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func first(key []byte, n int) []byte { return key[:min(n, len(key))] }

// downwards sorts the first byte downwards, and the rest as it is. The order key is full of zeros.
func downwards(dst, key []byte) []byte {
	from := len(dst)
	if dst = append(dst, key...); len(key) > 0 {
		dst[from] = ^dst[from]
	}
	return dst
}

func byLength(dst, key []byte) []byte { return append(dst, byte(len(key))) }

// keyings are such that keys of one group are neighbours, and in one partition.
var keyings = map[string]Keying{
	"none":              {},
	"order":             {Order: downwards},
	"order of all same": {Order: func(dst, _ []byte) []byte { return dst }},
	"group":             {Group: func(key []byte) []byte { return first(key, 2) }},
	"partition":         {Partition: func(key []byte, n int) int { return len(key) % n }},
	"order, group":      {Order: downwards, Group: func(key []byte) []byte { return first(key, 1) }},
	"order, partition":  {Order: byLength, Partition: func(key []byte, n int) int { return n - 1 - len(key)%n }},
	"all": {
		Order:     byLength,
		Group:     func(key []byte) []byte { return []byte{byte(len(key) / 3)} },
		Partition: func(key []byte, n int) int { return len(key) / 3 % n },
	},
}

func drawKeying(t *rapid.T) Keying {
	names := []string{}
	for name := range keyings {
		names = append(names, name)
	}
	slices.Sort(names)
	return keyings[rapid.SampledFrom(names).Draw(t, "keying")]
}

func readBundles(t rapid.TB, m *Merge) (bundles []bundle) {
	t.Helper()
	err := m.Groups(context.Background(), func(key []byte, values iter.Seq[[]byte]) error {
		b := bundle{key: string(key)}
		for value := range values {
			b.values = append(b.values, string(value))
		}
		if string(key) != b.key {
			t.Fatalf("key %q became %q while its values were read", b.key, key)
		}
		bundles = append(bundles, b)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bundles
}

// pairs calls yield for each record, in order, with its plain key.
func (m *Merge) pairs(ctx context.Context, yield func(key, value []byte) error) error {
	return m.Records(ctx, func(key, value []byte) error {
		plain, err := m.keying.Plain(key)
		if err != nil {
			return err
		}
		return yield(plain, value)
	})
}

func readPairs(t rapid.TB, m *Merge) (pairs []pair) {
	t.Helper()
	err := m.pairs(context.Background(), func(key, value []byte) error {
		pairs = append(pairs, pair{string(key), string(value)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}

// TestKeyingDecidesOrderGroupsAndPartitions: they are those of a stable sort, whatever memory, combiner and number of runs there are.
func TestKeyingDecidesOrderGroupsAndPartitions(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		config := drawConfig(t)
		config.Scratch, config.Keying = dir, drawKeying(t)
		tasks := rapid.SliceOfN(pairs(config.Combiner), 0, 6).Draw(t, "tasks")
		roster, arriving := mapreduce.Roster{}, make([][][]byte, config.Partitions)
		for task, emitted := range tasks {
			roster = append(roster, attempt(1))
			runs, _ := flushed(t, config, RunOwner{task, attempt(1)}, emitted)
			appendEach(arriving, runs)
		}
		reference := naive{config.Keying}
		memory := rapid.SampledFrom([]int64{1, 3000, 1 << 20}).Draw(t, "collector memory")
		collect := CollectorConfig{Roster: roster, Keying: config.Keying, Memory: memory, Scratch: dir}
		for p := range config.Partitions {
			var want []pair
			for _, emitted := range tasks {
				want = append(want, reference.run(emitted, config.Combiner, p, config.Partitions)...)
			}
			reference.sort(want)
			m := merged(t, collect, arriving[p])
			got := readPairs(t, m)
			m.Close()
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(pair{})); diff != "" {
				t.Fatalf("pairs of partition %d (-want +got):\n%s", p, diff)
			}
			m = merged(t, collect, arriving[p])
			groups := readBundles(t, m)
			m.Close()
			if diff := cmp.Diff(reference.bundles(want), groups, cmp.AllowUnexported(bundle{})); diff != "" {
				t.Fatalf("groups of partition %d (-want +got):\n%s", p, diff)
			}
		}
	})
}

// TestDigestUnderAKeyingDependsOnPairsOnly, and is not that of another order.
func TestDigestUnderAKeyingDependsOnPairsOnly(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		config := drawConfig(t)
		config.Scratch, config.Keying = dir, drawKeying(t)
		emitted := pairs(config.Combiner).Draw(t, "pairs")
		_, got := flushed(t, config, RunOwner{2, attempt(1)}, emitted)
		config.Memory, config.ChunkSize = 0, 0
		if _, want := flushed(t, config, RunOwner{3, attempt(2)}, emitted); got != want {
			t.Fatalf("digest %x, of an unbounded sorter %x", got, want)
		}
	})
}

// TestDigestsAreAsEver: runs of keys without a Keying are those of every version before, to the byte.
func TestDigestsAreAsEver(t *testing.T) {
	for name, want := range map[string]mapreduce.Digest{
		"none": 0xaae3aa8027eea07f, "sum": 0x11bdc00b6ab7c7c8, "concat": 0xd6dcc6b4aee1bfdb,
	} {
		var emitted []pair
		for i, word := range words(20_000, 5_000) {
			emitted = append(emitted, pair{string(word), string(binary.AppendVarint(nil, int64(i%9)))})
		}
		config := SorterConfig{Partitions: 3, Combiner: combiners[name], Memory: 64 << 10, Scratch: t.TempDir()}
		if _, got := flushed(t, config, RunOwner{0, attempt(1)}, emitted); got != want {
			t.Errorf("%s: digest %#x, want %#x", name, uint64(got), uint64(want))
		}
	}
}

// TestPartitionOutOfRangeIsPermanent, and names key and number.
func TestPartitionOutOfRangeIsPermanent(t *testing.T) {
	for name, combiner := range combiners {
		for _, bad := range []int{-1, 3, 1 << 20} {
			for _, order := range []func(dst, key []byte) []byte{nil, byLength} {
				keying := Keying{Order: order, Partition: func(key []byte, n int) int {
					if string(key) == "stray" {
						return bad
					}
					return n - 1
				}}
				s := emitted(SorterConfig{Partitions: 3, Keying: keying, Combiner: combiner}, []pair{{"good", "\x02"}, {"stray", "\x02"}})
				if s.buffer != nil && s.Err() == nil {
					t.Errorf("%s: partition %d is not seen at once", name, bad)
				}
				_, err := s.Flush(t.Context(), RunOwner{0, attempt(1)}, func(int, []byte) error { return nil })
				if err == nil || !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), `key "stray" is for partition `) {
					t.Errorf("%s: partition %d: error %v", name, bad, err)
				}
				s.Close()
			}
		}
	}
}

// TestPartitionOutOfRangeIsSeenBeforeASpill: of a table, whose keys get their partitions when it is full.
func TestPartitionOutOfRangeIsSeenBeforeASpill(t *testing.T) {
	keying := Keying{Partition: func([]byte, int) int { return 7 }}
	s := NewSorter(SorterConfig{Keying: keying, Combiner: mapreduce.Sum, Memory: 1000, Scratch: t.TempDir()})
	defer s.Close()
	for i := range 1000 {
		s.Emit(wordNumber(i), mapreduce.One())
	}
	if err := s.Err(); !mapreduce.IsPermanent(err) || len(s.spills) > 0 {
		t.Errorf("%d spills, error %v", len(s.spills), err)
	}
}

func TestKeysWithoutTheirOrderAreRefused(t *testing.T) {
	runs, _ := flushed(t, SorterConfig{}, RunOwner{0, attempt(1)}, []pair{{"no sort key", ""}})
	for name, read := range map[string]func(*Merge) error{
		"groups": func(m *Merge) error {
			return m.Groups(t.Context(), func([]byte, iter.Seq[[]byte]) error { return nil })
		},
		"pairs": func(m *Merge) error { return m.pairs(t.Context(), func(_, _ []byte) error { return nil }) },
	} {
		m := merged(t, CollectorConfig{Roster: mapreduce.Roster{attempt(1)}, Keying: Keying{Order: byLength}}, runs[0])
		if err := read(m); !mapreduce.IsPermanent(err) {
			t.Errorf("%s: error %v", name, err)
		}
		m.Close()
	}
}

func TestKeyingOfAProgram(t *testing.T) {
	program := mapreduce.Program{KeyOrder: byLength, Group: bytes.ToUpper, Partition: func([]byte, int) int { return 5 }}
	k := KeyingOf(program)
	if string(k.Order(nil, []byte("abc"))) != "\x03" || string(k.Group([]byte("a"))) != "A" || k.Partition(nil, 9) != 5 {
		t.Error("not the program's functions")
	}
	if newKeyer(KeyingOf(mapreduce.Program{}), 4) != nil {
		t.Error("a program without functions has a Keying at work")
	}
}

// TestLargeSortKeyDoesNotStayInMemory: neither behind the next key, nor while what was emitted is sorted and sent.
func TestLargeSortKeyDoesNotStayInMemory(t *testing.T) {
	s := NewSorter(SorterConfig{Keying: Keying{Order: downwards}})
	defer s.Close()
	large := make([]byte, 2*keepRecord)
	s.Emit(large, nil)
	if s.Emit([]byte("a"), nil); cap(s.keyer.order) > keepRecord || cap(s.keyer.sortKey) > keepRecord {
		t.Error("it is there behind a small one")
	}
	s.Emit(large, nil)
	if _, err := s.sources(t.Context()); err != nil || s.keyer.order != nil || s.keyer.sortKey != nil {
		t.Errorf("it is there when all are sorted, error %v", err)
	}
}

// TestTokensAndOnesTakeTheKeying like pairs that are emitted one by one.
func TestTokensAndOnesTakeTheKeying(t *testing.T) {
	const text = "the fox and the dog                         "
	for name, keying := range keyings {
		for of, combiner := range combiners {
			config := SorterConfig{Partitions: 3, Keying: keying, Combiner: combiner}
			s := NewSorter(config)
			s.EmitTokens([]byte(text), 1|1<<4|1<<8|1<<12|1<<16, 1<<3|1<<7|1<<11|1<<15|1<<19)
			s.EmitOnes([]byte("ones"), 3)
			got, err := s.Flush(t.Context(), RunOwner{0, attempt(1)}, func(int, []byte) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			var each []pair
			for _, word := range append(strings.Fields(text), "ones", "ones", "ones") {
				each = append(each, pair{word, "\x02"})
			}
			if _, want := flushed(t, config, RunOwner{0, attempt(1)}, each); got != want || s.Records() != int64(len(each)) {
				t.Errorf("%s, %s: %d records with digest %x, want %x", name, of, s.Records(), got, want)
			}
			s.Close()
		}
	}
}

// TestOrderMayReturnThePartOfTheKey that decides, or append: what it returned last is not appended to.
func TestOrderMayReturnThePartOfTheKey(t *testing.T) {
	order := func(dst, key []byte) []byte {
		if key[0] == '=' {
			return key[1:]
		}
		return append(append(dst, "zz"...), key...)
	}
	config := SorterConfig{Keying: Keying{Order: order}, Scratch: t.TempDir()}
	var got []string
	through(t, config, func(s *Sorter) {
		var key []byte
		for _, text := range []string{"=b", "one", "=a", "three", "two"} {
			key = append(key[:0], text...)
			s.Emit(key, nil)
		}
	}, func(m *Merge) error {
		return m.pairs(t.Context(), func(key, _ []byte) error {
			got = append(got, string(key))
			return nil
		})
	})
	if want := []string{"=a", "=b", "one", "three", "two"}; !slices.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
}
