package clustertest_test

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"jetreduce/internal/clustertest"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// Over a real bus too the result is the original's, byte for byte. Of all combinations these hold each pair of split
// size, partitions, memory, workers and slots, and each text with either memory and crew.
func TestWordCountIsExactOverTheBus(t *testing.T) {
	const tiny, plenty = 1, 64 << 20
	for _, c := range []struct {
		text           string
		split          int64
		reduces        int
		memory         int64
		workers, slots int
	}{
		{"raposa_e_as_uvas", 1, 7, tiny, 3, 1},
		{"raposa_e_as_uvas", 1, 64, plenty, 1, 4},
		{"raposa_e_as_uvas", 1, 1, plenty, 1, 1},
		{"raposa_e_as_uvas", 1, 2, plenty, 3, 4},
		{"raposa_e_as_uvas", 7, 7, plenty, 3, 4},
		{"raposa_e_as_uvas", 7, 1, tiny, 1, 1},
		{"raposa_e_as_uvas", 65536, 1, plenty, 1, 4},
		{"sample", 0, 2, plenty, 3, 1},
		{"sample", 7, 2, plenty, 1, 1},
		{"raposa_e_as_uvas", 7, 64, plenty, 3, 1},
		{"sample", 1024, 2, tiny, 3, 4},
		{"hamlet", 0, 1, tiny, 3, 4},
		{"hamlet", 1024, 7, plenty, 1, 1},
		{"hamlet", 1024, 64, plenty, 1, 1},
		{"lusiadas", 0, 64, plenty, 1, 1},
		{"lusiadas", 1024, 1, tiny, 3, 4},
		{"lusiadas", 65536, 7, plenty, 1, 1},
		{"together", 0, 7, tiny, 1, 4},
		{"together", 65536, 64, tiny, 3, 1},
		{"together", 65536, 2, plenty, 3, 4},
	} {
		name := fmt.Sprintf("%s/split=%d/reduces=%d/memory=%d/workers=%dx%d", c.text, c.split, c.reduces, c.memory, c.workers, c.slots)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names := []string{c.text}
			if c.text == "together" {
				names = []string{"raposa_e_as_uvas", "sample", "hamlet", "lusiadas"}
			}
			cluster := clustertest.Cluster{Memory: c.memory, Workers: c.workers, Slots: c.slots}
			status, got := cluster.Run(t, mapreduce.Job{
				Program: "wordcount", Inputs: references(t, ".txt", names...), SplitSize: c.split, Reduces: c.reduces,
				Output: mapreduce.Target{Format: "csv", Order: output.Original},
			})
			done(t, status)
			if want := histogram(t, names...); got != want {
				t.Errorf("%d rows, and not those of a sequential run, which are %d", strings.Count(got, "\n"), strings.Count(want, "\n"))
			}
			if status.Reduces.Total != c.reduces || status.Attempts.Failed > 0 {
				t.Errorf("%d reduces, %d failed attempts", status.Reduces.Total, status.Attempts.Failed)
			}
		})
	}
}

// references are the paths of texts or histograms of the original course work. They stand beside the repository, not in
// it: without them a test is skipped, except where CI has the folder and a file of it is missing.
func references(t *testing.T, ending string, names ...string) []string {
	t.Helper()
	shared, err := filepath.Abs(filepath.Join("..", "..", "..", "shared"))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, name := range names {
		path := filepath.Join(shared, "data", name+ending)
		if _, err := os.Stat(path); err != nil {
			if _, missing := os.Stat(shared); missing == nil && os.Getenv("CI") != "" {
				t.Fatalf("read reference text: %v", err)
			}
			t.Skipf("no reference text: %v", err)
		}
		paths = append(paths, path)
	}
	return paths
}

// histogram is that of a text, or of several together: the sum of theirs.
func histogram(t *testing.T, names ...string) string {
	t.Helper()
	counts := map[string]int{}
	for _, path := range references(t, ".csv", names...) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(names) == 1 {
			return string(content)
		}
		rows, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			n, err := strconv.Atoi(row[1])
			if err != nil {
				t.Fatal(err)
			}
			counts[row[0]] += n
		}
	}
	var sum strings.Builder
	rows := csv.NewWriter(&sum)
	rows.UseCRLF = true
	for _, word := range originally(t, counts) {
		if err := rows.Write([]string{word, strconv.Itoa(counts[word])}); err != nil {
			t.Fatal(err)
		}
	}
	rows.Flush()
	return sum.String()
}

// originally is the words in the original order.
func originally(t *testing.T, counts map[string]int) []string {
	t.Helper()
	order, err := output.ParseOrder("original")
	if err != nil {
		t.Fatal(err)
	}
	weight := map[string]string{}
	for word := range counts {
		weight[word] = string(order.AppendKey(nil, []byte(word)))
	}
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Compare(weight[a], weight[b]) })
}

func done(t *testing.T, status mapreduce.Status) {
	t.Helper()
	if status.State != mapreduce.Done {
		t.Fatalf("the job is %s: %s", status.State, status.Error)
	}
}

func TestUnusualInputsAreExact(t *testing.T) {
	long := strings.Repeat("x", 20<<20)
	for name, test := range map[string]struct {
		program string
		texts   []string
		want    string
		maps    int
	}{
		"empty file":              {"wordcount", []string{""}, "", 0},
		"empty files around one":  {"wordcount", []string{"", "a\n", ""}, "a\t1\n", 1},
		"no final newline":        {"wordcount", []string{"a b\nb", "b c"}, "a\t1\nb\t3\nc\t1\n", 3},
		"lines, no final newline": {"count", []string{"a\nb", "c"}, "lines\t3\n", 3},
		"CRLF":                    {"wordcount", []string{"a b\r\nb\r\n"}, "a\t1\nb\t2\n", 2},
		"CR is kept in a line":    {"identity", []string{"b\r\na\tv\r\n"}, "a\tv\r\nb\r\t\n", 2},
		"white space only":        {"wordcount", []string{" \t\r\n \n"}, "", 2},
		"bytes that are no text":  {"wordcount", []string{strings.Repeat("\xff", 1000)}, strings.Repeat("\xff", 1000) + "\t1\n", 1},
		"a long line":             {"identity", []string{"a\n" + long + "\tv\nb"}, "a\t\nb\t\n" + long + "\tv\n", 3},
		"a long word":             {"wordcount", []string{"a\n" + long + "\nb " + long}, "a\t1\nb\t1\n" + long + "\t2\n", 3},
		"a long line of words":    {"wordcount", []string{strings.Repeat("Some words. ", 20<<20/12) + "\nwords\n"}, "some\t1747626\nwords\t1747627\n", 2},
		"sorted lines":            {"sort", []string{"b\n\na\tx", "b\na\n"}, "\na\na\tx\nb\nb\n", 5},
		"a long line among them":  {"sort", []string{"b\n" + long + "\na\n"}, "a\nb\n" + long + "\n", 3},
		"values in input order":   {"identity", []string{"k\t3\nk\t1\n", "k\t2\nk\t0\n"}, "k\t3\nk\t1\nk\t2\nk\t0\n", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := filepath.Join(t.TempDir(), "result")
			job := mapreduce.Job{Program: test.program, Inputs: clustertest.WriteFiles(t, test.texts...), SplitSize: 1, Reduces: 2}
			if test.program == "sort" {
				job.MapOnly, job.Reduces = true, 0
			}
			status := clustertest.Cluster{Memory: 256 << 20}.RunTo(t, result, job)
			done(t, status)
			content, err := os.ReadFile(result)
			if err != nil || string(content) != test.want {
				t.Errorf("got %d bytes, %.200q, want %d, %.200q; error %v", len(content), content, len(test.want), test.want, err)
			}
			if status.Maps.Total != test.maps {
				t.Errorf("%d maps, want %d", status.Maps.Total, test.maps)
			}
		})
	}
}

func TestEmptyDirectoryGivesAnEmptyResult(t *testing.T) {
	t.Parallel()
	result := filepath.Join(t.TempDir(), "result")
	status := clustertest.Cluster{}.RunTo(t, result, mapreduce.Job{Program: "wordcount", Inputs: []string{t.TempDir()}})
	done(t, status)
	if content, err := os.ReadFile(result); err != nil || len(content) > 0 {
		t.Errorf("got %q, error %v", content, err)
	}
}

// A line that the memory cannot hold fails the job by its place: it is not cut, and not dropped.
func TestLineLongerThanMemoryFailsTheJobByItsPlace(t *testing.T) {
	t.Parallel()
	paths := clustertest.WriteFiles(t, "a\n"+strings.Repeat("x", 3<<20)+"\n")
	status, content := clustertest.Cluster{Memory: 1}.Run(t, mapreduce.Job{Program: "identity", Inputs: paths})
	if status.State != mapreduce.Failed || status.Attempts.Failed != 1 || content != "" {
		t.Errorf("state %s after %d failed attempts, %d bytes of output", status.State, status.Attempts.Failed, len(content))
	}
	for _, want := range []string{paths[0], "byte 2", "--memory"} {
		if !strings.Contains(status.Error, want) {
			t.Errorf("the error %q does not say %q", status.Error, want)
		}
	}
}

func TestTinyFilesArePackedIntoFewMaps(t *testing.T) {
	t.Parallel()
	const files = 2000
	texts := make([]string, files)
	for i := range texts {
		texts[i] = fmt.Sprintf("every word%c", 'a'+i%26)
	}
	paths := clustertest.WriteFiles(t, texts...)
	status, got := clustertest.Cluster{Slots: 2}.Run(t, mapreduce.Job{
		Program: "wordcount", Inputs: []string{filepath.Dir(paths[0])}, Reduces: 2,
	})
	done(t, status)
	want := fmt.Sprintf("every\t%d\n", files)
	for i := range 26 {
		want += fmt.Sprintf("word%c\t%d\n", 'a'+i, (files-i+25)/26)
	}
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if status.Maps.Total > files/100 {
		t.Errorf("%d files became %d maps", files, status.Maps.Total)
	}
}

// Rosters that do not fit into a task are stored; the reduces and the finish find them.
func TestStoredRosterNamesTheSameRuns(t *testing.T) {
	t.Parallel()
	cluster := clustertest.Cluster{Workers: 2, Slots: 2, RosterInline: 1}
	status, got := cluster.Run(t, mapreduce.Job{
		Program: "wordcount", Inputs: references(t, ".txt", "sample"), SplitSize: 1024, Reduces: 5,
		Output: mapreduce.Target{Format: "csv", Order: output.Original},
	})
	done(t, status)
	if got != histogram(t, "sample") {
		t.Errorf("%d rows, and not those of a sequential run", strings.Count(got, "\n"))
	}
}
