package bench_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"jetreduce/internal/bench"
)

func TestRecordsAreLinesOf100PrintableBytes(t *testing.T) {
	t.Parallel()
	const n = 10_000
	var one, two bytes.Buffer
	for _, buffer := range []*bytes.Buffer{&one, &two} {
		if err := bench.WriteRecords(buffer, n); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two inputs differ")
	}
	keys := map[string]bool{}
	for line := range bytes.Lines(one.Bytes()) {
		if len(line) != 100 || bytes.ContainsFunc(line[:99], func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("record %q", line)
		}
		keys[string(line[:10])] = true
	}
	if len(keys) != n || one.Len() != 100*n {
		t.Errorf("%d bytes, %d different keys", one.Len(), len(keys))
	}
}

// What ours prints must be all needles in their order, and the other must have counted as many.
func TestNeedlesThatAreMissingAreMissed(t *testing.T) {
	t.Parallel()
	h := bench.NewHaystack(9 << 20)
	var hay, needles bytes.Buffer
	if err := bench.HaystackWrite(h, &hay); err != nil {
		t.Fatal(err)
	}
	count := bench.HaystackBlocks(h)
	for n := range count {
		needles.WriteString(bench.HaystackNeedle(h, n))
	}
	if found := bytes.Count(hay.Bytes(), []byte("Stecknadel")); found != 2 || count != found {
		t.Errorf("%d needles in the hay, %d blocks", found, count)
	}
	all, counted := needles.Bytes(), file(t, []byte(strconv.Itoa(count)+"\n"))
	if err := bench.HaystackCheck(h, file(t, all), counted); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{bench.HaystackNeedle(h, 0), bench.HaystackNeedle(h, 1) + bench.HaystackNeedle(h, 0)} {
		if bench.HaystackCheck(h, file(t, []byte(wrong)), counted) == nil {
			t.Errorf("%q passes: one is missing, or they are in another order", wrong)
		}
	}
	if bench.HaystackCheck(h, file(t, all), file(t, []byte("3\n"))) == nil {
		t.Error("another count passes")
	}
}

func TestCountsAreMultiplied(t *testing.T) {
	t.Parallel()
	to := filepath.Join(t.TempDir(), "to")
	if err := bench.Multiply(file(t, []byte("a\t1\nb\t12\n")), to, 10); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to); err != nil || string(got) != "a\t10\nb\t120\n" {
		t.Errorf("%q: %v", got, err)
	}
	if bench.Multiply(file(t, []byte("a\n")), to, 10) == nil {
		t.Error("a row without a count passes")
	}
}
