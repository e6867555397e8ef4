package input

import (
	"encoding/csv"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// table is CSV that is mostly trouble.
func table(t *rapid.T) string {
	field := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "é", `"`, "\n", "\r\n", "\r", ",", ""}), 0, 5)
	rows := rapid.SliceOfN(rapid.SliceOfN(field, 1, 3), 0, 25).Draw(t, "rows")
	var out strings.Builder
	w := csv.NewWriter(&out)
	for _, row := range rows {
		w.UseCRLF = rapid.Bool().Draw(t, "crlf")
		if rapid.IntRange(0, 5).Draw(t, "blank") == 0 {
			w.Flush()
			out.WriteString(rapid.SampledFrom([]string{"\n", "\r\n", "\n\n\r\n"}).Draw(t, "blanks"))
		}
		var fields []string
		for _, parts := range row {
			fields = append(fields, strings.Join(parts, ""))
		}
		_ = w.Write(fields)
	}
	w.Flush()
	text := out.String()
	if rapid.Bool().Draw(t, "unended") {
		text = strings.TrimSuffix(text, "\n")
	}
	return text
}

func rowsOf(t fataler, text string) [][]string {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return rows
}

func TestAnySplitSizeGivesTheRowsOfTheFile(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]mapreduce.Records{mapreduce.CSV, mapreduce.CSVHeader}).Draw(rt, "kind")
		s := &texts{content: map[string]string{}}
		reach := Reach{Schemes: map[string]Scheme{"text": s}}
		var inputs []string
		var want, got [][]string
		for i := range rapid.IntRange(1, 3).Draw(rt, "files") {
			text := table(rt)
			codec := rapid.SampledFrom([]mapreduce.Codec{"", "", mapreduce.Gzip}).Draw(rt, "codec")
			inputs = append(inputs, s.store(t, fmt.Sprint(i), codec, text))
			rows := rowsOf(rt, text)
			if kind == mapreduce.CSVHeader {
				rows = rows[min(1, len(rows)):]
			}
			want = append(want, rows...)
		}
		all, _, err := readPlanned(rt, PlanConfig{Reach: reach, Records: kind, SplitSize: rapid.Int64Range(1, 60).Draw(rt, "split size")},
			ReadConfig{BatchSize: rapid.IntRange(1, 60).Draw(rt, "batch")}, inputs)
		if err != nil {
			rt.Fatalf("read: %v", err)
		}
		for _, one := range all {
			rows := rowsOf(rt, one.Text)
			if len(rows) != 1 {
				rt.Fatalf("record %q has %d rows", one.Text, len(rows))
			}
			got = append(got, rows...)
			if text := s.content[one.Source]; !strings.HasSuffix(one.Source, ".gz") && !strings.HasPrefix(text[one.Offset:], one.Text) {
				rt.Fatalf("%q is not at byte %d of %q", one.Text, one.Offset, text)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("the files' - , the splits' +\n%s", diff)
		}
	})
}

func TestFileThatEndsInsideQuotesNamesWhereTheyBegin(t *testing.T) {
	for text, at := range map[string]int{
		`"`: 0, "a,b\n\"c\nd": 4, `a,"x""y`: 2, `"a""`: 0, "\"a\"\n\"b\"\n\"\"\"": 8, "\"a\"\n,\"b\",\"c\nd\ne\n": 9,
		"a\n\"" + strings.Repeat("\n", 100_000): 2,
	} {
		for _, size := range []int64{1, 3, 1 << 20} {
			for _, codec := range []mapreduce.Codec{"", mapreduce.Gzip} {
				s := &texts{content: map[string]string{}}
				reach := Reach{Schemes: map[string]Scheme{"text": s}}
				name := s.store(t, "a", codec, text)
				_, _, err := readPlanned(t, PlanConfig{Reach: reach, Records: mapreduce.CSV, SplitSize: size}, ReadConfig{}, []string{name})
				wantError(t, err, "input "+name, fmt.Sprintf("ends inside the quotes that begin at byte %d:", at))
			}
		}
	}
}

func TestQuotesAreCountedAcrossBlocks(t *testing.T) {
	text := "a,\"" + strings.Repeat("x\n", 2*blockSize) + "\"\nb\n\"c\nd\"\n"
	cfg := inMemory("a", []byte(text))
	cfg.Records, cfg.SplitSize = mapreduce.CSV, 3*blockSize
	all, splits, err := readPlanned(t, cfg, ReadConfig{}, []string{"text://a"})
	if err != nil || len(all) != 3 || len(splits) != 2 || all[2].Text != "\"c\nd\"\n" {
		t.Errorf("%d records of %d splits: %v", len(all), len(splits), err)
	}
}

func TestPlanSeesQuotesThatNeverEnd(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), "a\n\""+strings.Repeat("\n", 100))
	_, err := tryPlan(t, PlanConfig{Records: mapreduce.CSV, SplitSize: 10}, path)
	wantError(t, err, "input "+path, "quotes that begin at byte 2")
}
