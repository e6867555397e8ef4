package shuffle

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// TestKeysThatShareMuchAreSorted, however much that is: it is neither a matter of the stack nor of the order of equal keys.
func TestKeysThatShareMuchAreSorted(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		shared := rapid.IntRange(deep-20, deep+20).Draw(t, "shared")
		filler := rapid.SampledFrom([]string{"\x00", "a", "\xff"}).Draw(t, "filler")
		tail := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xff}), 0, 20)
		key := rapid.Map(tail, func(b []byte) string { return strings.Repeat(filler, shared) + string(b) })
		var all []pair
		config := drawConfig(t)
		config.Partitions, config.Scratch, config.Memory = 1, dir, rapid.SampledFrom([]int64{4000, 1 << 20}).Draw(t, "memory")
		for range rapid.IntRange(0, 60).Draw(t, "pairs") {
			one := rapid.OneOf(key, rapid.Map(key, func(k string) string { return k[:min(len(k), shared/2)] }))
			all = append(all, pair{one.Draw(t, "key"), values(config.Combiner).Draw(t, "value")})
		}
		runs, _ := flushed(t, config, RunOwner{0, attempt(1)}, all)
		m := merged(t, CollectorConfig{Roster: mapreduce.Roster{attempt(1)}, Scratch: dir}, runs[0])
		defer m.Close()
		if got, want := readPairs(t, m), (naive{}).run(all, config.Combiner, 0, 1); !slices.Equal(got, want) {
			t.Fatalf("%d records, want %d; or they differ", len(got), len(want))
		}
	})
}

// TestKeysThatShareMegabytesDoNotNestThatDeep: a level for every 8 bytes of them would be more stack than there may be.
func TestKeysThatShareMegabytesDoNotNestThatDeep(t *testing.T) {
	shared := strings.Repeat("the same ", 500_000)
	all := []pair{{shared + "b", "\x02"}, {shared + "a", "\x04"}, {shared, "\x06"}, {shared + "b", "\x08"}}
	for name, combiner := range combiners {
		got := passed(t, SorterConfig{Combiner: combiner, Scratch: t.TempDir()}, all)
		if want := (naive{}).run(all, combiner, 0, 1); !slices.Equal(got, want) {
			t.Errorf("%s: %d records, want %d; or they differ", name, len(got), len(want))
		}
	}
}

// TestDeepTies: keys that differ in zeros at their ends only come by length, and those that do not differ by position.
func TestDeepTies(t *testing.T) {
	var all []pair
	for n := deep + 30; n > deep-30; n-- {
		all = append(all, pair{strings.Repeat("\x00", n), ""})
	}
	for i := range 500 {
		all = append(all, pair{strings.Repeat("same", deep) + fmt.Sprint(i%2), fmt.Sprint(i)})
	}
	if got := passed(t, SorterConfig{}, all); !slices.Equal(got, (naive{}).run(all, nil, 0, 1)) {
		t.Error("records come in another order")
	}
}
