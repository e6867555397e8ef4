package programs_test

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

func TestStatsAreExact(t *testing.T) {
	var hundred strings.Builder
	for i := range 100 {
		fmt.Fprintf(&hundred, "k %d\n", (i*37)%100+1)
	}
	for _, c := range []struct {
		args map[string]string
		text string
		want string
	}{
		{nil, hundred.String(), "k\t100\t5050\t1\t50.5\t100\t50\t90\t99\n"},
		{nil, "k 0.1\nk 0.2\nk 10e-2\n", "k\t3\t0.4\t0.1\t0.133333\t0.2\t0.1\t0.2\t0.2\n"},
		{nil, "k 9007199254740993\nk 9007199254740992\n", "k\t2\t18014398509481985\t9007199254740992\t9007199254740992.5\t9007199254740993\t" +
			"9007199254740992\t9007199254740993\t9007199254740993\n"},
		{nil, "b -2\na +007.50\nb -10\nb 0\nb -1.5\n", "a\t1\t7.5\t7.5\t7.5\t7.5\t7.5\t7.5\t7.5\nb\t4\t-13.5\t-10\t-3.375\t0\t-2\t0\t0\n"},
		{map[string]string{"key": "2,3", "value": "1"}, "5 a b\n7 a b\n", "a b\t2\t12\t5\t6\t7\t5\t7\t7\n"},
	} {
		if diff := cmp.Diff(c.want, one(t, "stats", c.args, c.text).Text()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	got := one(t, "stats", nil, "k 1\nk x\nk\n\nk 1e9999\nk .\nk 1.2.3\n")
	want := mapreduce.Counters{"stats,left out: no number": 4, "stats,left out: no field 2": 2}
	if diff := cmp.Diff(want, got.Counters); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

// numbers are decimal numbers in many ways to write them.
var decimals = rapid.StringMatching(`[-+]?(0|[1-9][0-9]{0,3}|00[0-9])(\.[0-9]{1,3}|)(e[-+]?[0-3]|)`)

func TestDecimalsSortAsNumbersDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals.Draw(t, "a"), decimals.Draw(t, "b")
		orderA, textA, okA := programs.Decimal(a)
		orderB, textB, okB := programs.Decimal(b)
		ratA, _ := new(big.Rat).SetString(a)
		ratB, _ := new(big.Rat).SetString(b)
		if !okA || !okB || bytes.Compare(orderA, orderB) != ratA.Cmp(ratB) {
			t.Fatalf("%s and %s sort as %x and %x", a, b, orderA, orderB)
		}
		if bytes.Equal(textA, textB) != (ratA.Cmp(ratB) == 0) {
			t.Fatalf("%s and %s are written as %s and %s", a, b, textA, textB)
		}
		if again, _ := new(big.Rat).SetString(string(textA)); again.Cmp(ratA) != 0 {
			t.Fatalf("%s is written as %s", a, textA)
		}
	})
}

func TestNumbersBeyondAllBoundsAreNone(t *testing.T) {
	for _, text := range []string{"1e1001", "1e-1002", ".1e-9223372036854775808", "1e-9223372036854775808", ".01e-9223372036854775808",
		"1e9223372036854775807", "10e9223372036854775807", "1e9223372036854775808", strings.Repeat("1", 1001), "." + strings.Repeat("1", 1001)} {
		if order, canonical, ok := programs.Decimal(text); ok {
			t.Errorf("%.30s is %x and %.30s", text, order, canonical)
		}
	}
}

// What stats say is what a sorted slice of big numbers says.
func TestStatsAreThoseOfASortedSlice(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		numbers := rapid.SliceOfN(decimals, 1, 30).Draw(r, "numbers")
		rats := make([]*big.Rat, len(numbers))
		sum := new(big.Rat)
		for i, number := range numbers {
			rats[i], _ = new(big.Rat).SetString(number)
			sum.Add(sum, rats[i])
		}
		slices.SortFunc(rats, (*big.Rat).Cmp)
		n := len(rats)
		rank := func(percent int) *big.Rat { return rats[(n*percent+99)/100-1] }
		want := []*big.Rat{new(big.Rat).SetInt64(int64(n)), sum, rats[0], nil, rats[n-1], rank(50), rank(90), rank(99)}
		row := one(t, "stats", nil, "k "+strings.Join(numbers, "\nk ")+"\n").Rows[0]
		for i, text := range strings.Split(row[1], "\t") {
			got, ok := new(big.Rat).SetString(text)
			if want[i] == nil {
				continue // the mean is rounded
			}
			if !ok || got.Cmp(want[i]) != 0 {
				r.Fatalf("column %d of %q, want %s", i, row, want[i].RatString())
			}
		}
	})
}

func FuzzDecimal(f *testing.F) {
	for _, text := range []string{"1", "-0", "1e5", "1e", ".5", "5.", ".", "+", "1e999999999999", "0e99999", "१"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		order, canonical, ok := programs.Decimal(text)
		if !ok {
			return
		}
		again, same, ok := programs.Decimal(string(canonical))
		if !ok || !bytes.Equal(order, again) || !bytes.Equal(canonical, same) {
			t.Fatalf("%q is %q is %q, %v", text, canonical, same, ok)
		}
	})
}
