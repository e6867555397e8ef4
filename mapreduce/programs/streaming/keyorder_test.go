package streaming_test

import (
	"bytes"
	"cmp"
	"math/big"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs/streaming"
	"jetreduce/mapreduce/shuffle"
)

func ordered(sort, separator string) mapreduce.Program {
	return streaming.Program(mapreduce.Commands{Map: "cat", Reduce: "cat", KeyFields: 3, Sort: sort, Separator: separator}, streaming.Config{})
}

// compare is what keys mean, the slow way: fields cut out, numbers as fractions.
func compare(t *rapid.T, sorts []mapreduce.KeySort, a, b string) int {
	for _, sort := range sorts {
		x, y := cut(a, sort), cut(b, sort)
		order := strings.Compare(x, y)
		if sort.Numeric {
			order = number(t, x).Cmp(number(t, y))
		}
		if sort.Reverse {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

func cut(key string, sort mapreduce.KeySort) string {
	fields := strings.Split(key, "\t")
	if sort.To > 0 && sort.To < len(fields) {
		fields = fields[:sort.To]
	}
	return strings.Join(fields[min(sort.From-1, len(fields)):], "\t")
}

var numeral = regexp.MustCompile(`^[ \t\n]*(-?)([0-9]*)(?:\.([0-9]*))?`)

func number(t *rapid.T, text string) *big.Rat {
	parts := numeral.FindStringSubmatch(text)
	value, ok := new(big.Rat).SetString(parts[1] + "0" + parts[2] + "." + parts[3] + "0")
	if !ok {
		t.Fatalf("no number: %q", parts)
	}
	return value
}

// keys are such that fields meet, nearly equal each other, and have all bytes that a code may trip over.
func keys() *rapid.Generator[string] {
	part := rapid.SampledFrom([]string{"\t", "\t", "\x00", "\x00\x00", "\xff", "\x01", "a", "b", " ", "-", "-0", "0", "00",
		"1", "9", "10", ".", "5", ".50"})
	return rapid.Map(rapid.SliceOfN(part, 0, 8), func(parts []string) string { return strings.Join(parts, "") })
}

// The bytes of the order are in the order that the sort means.
func TestKeyOrderIsThatOfTheSort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(
			[]string{"1,1", "2,2", "3,3", "1,2", "2", "1,1n", "2,2n", "2,2nr", "3,3r", "1,1r", "1nr", "5"}), 1, 3).Draw(t, "sort"), " ")
		sorts, err := mapreduce.ParseKeySort(text)
		if err != nil {
			t.Fatal(err)
		}
		a, b := keys().Draw(t, "a"), keys().Draw(t, "b")
		order := ordered(text, "").KeyOrder
		got := bytes.Compare(order(nil, []byte(a)), order([]byte("before"), []byte(b))[len("before"):])
		if want := compare(t, sorts, a, b); cmp.Compare(got, 0) != cmp.Compare(want, 0) {
			t.Errorf("%q and %q by %q: %d, want %d", a, b, text, got, want)
		}
	})
}

// Digits are never too many.
func TestNumbersOfAnySizeAreOrdered(t *testing.T) {
	order := ordered("1n", "").KeyOrder
	nines := strings.Repeat("9", 300)
	ascending := []string{"-1" + nines, "-" + nines + ".5", "-" + nines, "-1", "-0." + nines, "0", "0." + strings.Repeat("0", 400) + "1",
		"0." + nines, "1", "99", strings.Repeat("9", 254), "1" + strings.Repeat("0", 254), nines, nines + "." + nines, "1" + nines}
	for i := 1; i < len(ascending); i++ {
		if bytes.Compare(order(nil, []byte(ascending[i-1])), order(nil, []byte(ascending[i]))) >= 0 {
			t.Errorf("%.20s… is not before %.20s…", ascending[i-1], ascending[i])
		}
	}
}

// What sort(1) does with the same keys decides, where there is one.
func TestKeyOrderIsThatOfSort(t *testing.T) {
	path, err := exec.LookPath("sort")
	if err != nil {
		t.Skip("no sort here")
	}
	lines := []string{"a\t10\tx", "a\t9\ty", "b\t-1\tz", "b\t-1.5\tz", "a\t 7\tz", "c\t\tq", "c",
		"a\t+3\t", "a\t-\t", "a\t-.5\t", "A\t1e3\t", "\xff\t0x10\t"}
	for _, text := range []string{"1,1 2,2nr", "2,2n", "2,2nr", "2n 1,1r", "3,3", "1,2r", "2"} {
		args := []string{"-t", "\t"}
		for _, key := range strings.Fields(text) {
			args = append(args, "-k", key)
		}
		command := exec.Command(path, args...)
		command.Env, command.Stdin = []string{"LC_ALL=C"}, strings.NewReader(strings.Join(lines, "\n")+"\n")
		want, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		var got sink
		for _, line := range lines {
			got.pairs = append(got.pairs, pair{key: []byte(line)})
		}
		got.sort(ordered(text, "").KeyOrder)
		if rows := got.rows(true); !bytes.Equal(rows, want) {
			t.Errorf("by %q: %q, sort has %q", text, rows, want)
		}
	}
}

// The first fields decide the partition, by the hash that the engine has for whole keys.
func TestFirstFieldsDecideThePartition(t *testing.T) {
	commands := mapreduce.Commands{Map: "cat", Reduce: "cat", KeyFields: 2, PartitionFields: 1}
	partition := streaming.Program(commands, streaming.Config{}).Partition
	rapid.Check(t, func(t *rapid.T) {
		first := strings.ReplaceAll(keys().Draw(t, "first"), "\t", "_")
		n := rapid.IntRange(1, 100).Draw(t, "partitions")
		want := partition([]byte(first), n)
		if got := partition([]byte(first+"\t"+keys().Draw(t, "rest")), n); got != want || got < 0 || got >= n {
			t.Errorf("partition %d of %d, want %d", got, n, want)
		}
		if engine := shuffle.Partition([]byte(first), n); engine != want {
			t.Errorf("partition %d of %d, the engine has %d for such a key", want, n, engine)
		}
	})
	if p := ordered("", ""); p.Partition != nil || p.KeyOrder != nil {
		t.Error("whole keys in the order of their bytes are the engine's")
	}
	if p := ordered("1,1", ""); p.Partition == nil || p.Group != nil {
		t.Error("a sort partitions by itself, and groups nothing")
	}
}
