package mapreduce_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/programs"
)

var texts = []string{"raposa_e_as_uvas", "sample", "hamlet", "lusiadas"}

// However a text is cut, and into however many partitions, the result is the original's, byte for byte. Each text is a
// job, and all together are one.
func TestWordCountIsExactAtEverySplitSizeAndPartitioning(t *testing.T) {
	for _, name := range texts {
		path, want := reference(t, name+".txt"), read(t, reference(t, name+".csv"))
		everyCut(t, name, want, path)
	}
	var paths []string
	var histograms [][]byte
	for _, name := range texts {
		paths = append(paths, reference(t, name+".txt"))
		histograms = append(histograms, read(t, reference(t, name+".csv")))
	}
	everyCut(t, "together", added(t, histograms...), paths...)
}

// everyCut counts the words of files at every split size and partitioning. 0 leaves the size to the plan: for texts as
// small as these, one split for all.
func everyCut(t *testing.T, name string, want []byte, files ...string) {
	for _, size := range []int64{1, 7, 1024, 65536, 0} {
		for _, reduces := range []int{1, 2, 7, 64} {
			t.Run(fmt.Sprintf("%s/split=%d/reduces=%d", name, size, reduces), func(t *testing.T) {
				t.Parallel()
				job := engine{
					program: program(t, "wordcount"), splitSize: size, reduces: reduces,
					order: "pt-u-ka-shifted-ks-level4", format: "csv", scratch: t.TempDir(),
				}
				if err := job.plan(t.Context(), files); err != nil {
					t.Fatal(err)
				}
				if chunks := len(job.splits) * reduces; chunks > mostChunks {
					t.Skipf("%d chunks take too long under the race detector; they are tested without it", chunks)
				}
				got, err := job.result(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s", difference(got, want))
				}
			})
		}
	}
}

// program is a built-in program.
func program(t *testing.T, name string) mapreduce.Program {
	t.Helper()
	set, err := programs.NewSet(programs.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	found, err := set.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// added is the histogram of several texts together, of theirs.
func added(t *testing.T, histograms ...[]byte) []byte {
	t.Helper()
	order, err := output.ParseOrder("pt-u-ka-shifted-ks-level4")
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{} // by sort key
	for _, histogram := range histograms {
		rows, err := csv.NewReader(bytes.NewReader(histogram)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			n, err := strconv.Atoi(row[1])
			if err != nil {
				t.Fatal(err)
			}
			counts[string(order.AppendKey(nil, []byte(row[0])))] += n
		}
	}
	var sum bytes.Buffer
	rows := csv.NewWriter(&sum)
	rows.UseCRLF = true
	for _, composite := range slices.Sorted(maps.Keys(counts)) {
		key, err := order.Key([]byte(composite))
		if err != nil {
			t.Fatal(err)
		}
		if err := rows.Write([]string{string(key), strconv.Itoa(counts[composite])}); err != nil {
			t.Fatal(err)
		}
	}
	rows.Flush()
	return sum.Bytes()
}

// difference shows where two results part.
func difference(got, want []byte) string {
	gotRows, wantRows := bytes.SplitAfter(got, []byte("\n")), bytes.SplitAfter(want, []byte("\n"))
	for i := range min(len(gotRows), len(wantRows)) {
		if !bytes.Equal(gotRows[i], wantRows[i]) {
			return fmt.Sprintf("row %d is %.200q, want %.200q", i, gotRows[i], wantRows[i])
		}
	}
	return fmt.Sprintf("%d rows, want %d", len(gotRows), len(wantRows))
}
