package output

import (
	"bytes"
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

type row struct{ key, value string }

func topOf(tb rapid.TB, n int, program mapreduce.Program, rows []row) (kept []row) {
	tb.Helper()
	top := NewTop(n, program)
	var key, value []byte // the caller's, and used again
	for _, r := range rows {
		key, value = append(key[:0], r.key...), append(value[:0], r.value...)
		if err := top.Row(key, value); err != nil {
			tb.Fatal(err)
		}
	}
	if len(top.kept) > n || cap(top.kept) > 2*n+8 {
		tb.Fatalf("%d rows are kept, in memory for %d", len(top.kept), cap(top.kept))
	}
	err := top.Rows(func(key, value []byte) error {
		kept = append(kept, row{string(key), string(value)})
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return kept
}

// numbers are decimal ones with ties among them, written in several ways.
var numbers = rapid.OneOf(
	rapid.SampledFrom([]string{"0", "-0", "0.0", "1", "1.0", "01", "1e0", "10", "1e1", "+1", " 1 ", "-1", "-1.5", ".5", "5.", "0.5",
		"-10", "1e-3"}),
	rapid.StringMatching(`[-+]?[0-9]{1,30}(\.[0-9]{0,9})?([eE][-+]?[0-9]{1,2})?`),
	rapid.Map(rapid.IntRange(-3, 3), func(n int) string { return fmt.Sprint(n) }),
)

func rational(tb rapid.TB, text string) *big.Rat {
	tb.Helper()
	number, ok := new(big.Rat).SetString(strings.TrimSpace(text))
	if !ok {
		tb.Fatalf("%q is no number", text)
	}
	return number
}

func TestTopIsWhatSortingAllRowsGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.StringMatching(`[a-c]{0,2}`), 0, 40).Draw(t, "keys")
		slices.Sort(keys) // the order of the rows, whatever it is
		var rows []row
		for _, key := range keys {
			rows = append(rows, row{key, numbers.Draw(t, "value")})
		}
		n := rapid.IntRange(1, 12).Draw(t, "n")
		at := make([]int, len(rows))
		for i := range at {
			at[i] = i
		}
		slices.SortFunc(at, func(a, b int) int {
			return cmp.Or(rational(t, rows[b].value).Cmp(rational(t, rows[a].value)), cmp.Compare(a, b))
		})
		at = at[:min(n, len(at))]
		slices.Sort(at)
		var want []row
		for _, i := range at {
			want = append(want, rows[i])
		}
		if got := topOf(t, n, mapreduce.Program{}, rows); !slices.Equal(got, want) {
			t.Fatalf("top %d of %q: got %q, want %q", n, rows, got, want)
		}
	})
}

func TestNumbersOfAnySizeAreOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := numbers.Draw(t, "a"), numbers.Draw(t, "b")
		x, xok := appendNumber([]byte("before"), []byte(a))
		y, yok := appendNumber([]byte("before"), []byte(b))
		if want := rational(t, a).Cmp(rational(t, b)); !xok || !yok || bytes.Compare(x, y) != want {
			t.Fatalf("%q %q: %x %x, want %d", a, b, x, y, want)
		}
	})
	var last []byte
	for _, text := range []string{"-1e400", "-2" + strings.Repeat("0", 300), "-1.01", "-1.001", "-1", "-0.1", "-1e-400", "0", "1e-400", "0.09",
		"0.1", "1", "1.0000000000000000000000000000001", "9", "10", "9" + strings.Repeat("9", 300), "1e301", "1e1000000000"} {
		number, ok := appendNumber(nil, []byte(text))
		if !ok || bytes.Compare(last, number) >= 0 {
			t.Errorf("%s: %x behind %x", text, number, last)
		}
		last = number
	}
}

func FuzzNumbersAreThoseOfBigRat(f *testing.F) {
	for _, text := range []string{"", "1", "-1.5e3", "1_000", "0x10", "1/2", "1e", ".", "+", "--1", "Inf", "NaN", "1 2", "１"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		number, ok := appendNumber(nil, []byte(text))
		if len(text) > 40 || strings.ContainsAny(text, "eE") && len(text) > 6 {
			return // whose value big.Rat writes out
		}
		bare := strings.TrimSpace(text)
		want, is := new(big.Rat).SetString(bare)
		if is = is && !strings.ContainsAny(bare, "_xXoObBpP/"); is != ok {
			t.Fatalf("%q is a number: %v", text, ok)
		}
		if ok && want.Sign() != bytes.Compare(number, []byte{0x80}) {
			t.Fatalf("%q: %x", text, number)
		}
	})
}

func TestTopNamesTheRowThatHasNoNumber(t *testing.T) {
	for _, value := range []string{"", "-", "many", "NaN", "1,5", "0x10", "1e", "1 2"} {
		err := NewTop(3, mapreduce.Program{}).Row([]byte("apple"), []byte(value))
		wantError(t, err, fmt.Sprintf("the top 3 rows: the value of key \"apple\" is %q, which is no decimal number: "+
			"have the program give numbers", value))
		if !mapreduce.IsPermanent(err) {
			t.Error("another attempt would do no better")
		}
	}
}

func TestTopOfLinesGoesByWhatIsBehindTheTab(t *testing.T) {
	rows := []row{{"a\t2", ""}, {"b\t10", ""}, {"c\t1", ""}, {"d\t2", ""}}
	if got, want := topOf(t, 2, mapreduce.Program{Raw: true}, rows), []row{{"a\t2", ""}, {"b\t10", ""}}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if err := NewTop(3, mapreduce.Program{Raw: true}).Row([]byte("no tab"), nil); err == nil {
		t.Error("a line without a number was taken")
	}
}

func BenchmarkTop(b *testing.B) {
	top := NewTop(1000, mapreduce.Program{})
	key, value := []byte("something"), []byte("12345")
	b.ReportAllocs()
	for b.Loop() {
		_ = top.Row(key, value)
	}
}
