package input

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// A row that is no row of RFC 4180 would glue its neighbours, and an even number of such quotes would hide that.
func TestStrayQuotesAreRefusedByTheirByte(t *testing.T) {
	for text, at := range map[string]string{
		"a,b\n17,5\" disk,x\n17,5\" disk,x\n": "a quote at byte 8 ",
		"\"a\"b\"c\"\n":                       "a quote at byte 2 ",
		"\"a\" ,b\n":                          "a quote at byte 2 ",
		"a\"\"\n":                             "a quote at byte 1 ",
		"\"a\"\rb\n":                          "a quote at byte 2 ",
	} {
		for _, kind := range []mapreduce.Records{mapreduce.CSV, mapreduce.CSVHeader} {
			for _, lenient := range []bool{false, true} {
				_, err := records(t, Open(splitNamed(t, "a.csv", []byte(text)), ReadConfig{Records: kind, Lenient: lenient}))
				wantError(t, err, at, "take lines for records")
				if !mapreduce.IsPermanent(err) {
					t.Errorf("%q: another attempt would do no better: %v", text, err)
				}
			}
		}
	}
}

// What another reader of CSV refuses is refused, and nothing else.
func TestQuotesAreJudgedAsOthersJudgeThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]string{"a", ",", "\"", "\"\"", "\n", "\r\n", " "})
		text := strings.Join(rapid.SliceOfN(part, 1, 12).Draw(t, "text"), "")
		if bytes.Count([]byte(text), quote)%2 != 0 {
			return // it ends inside quotes: another error
		}
		r := csv.NewReader(strings.NewReader(text))
		r.FieldsPerRecord = -1
		_, wrong := r.ReadAll()
		reader := Reader{cfg: ReadConfig{Records: mapreduce.CSV}}
		stray := false
		for one := range (mapreduce.Batch{Data: []byte(text), Records: mapreduce.CSV}).Singles() {
			stray = stray || reader.stray(bytes.TrimSuffix(one.Data, []byte("\n"))) >= 0
		}
		if stray != (wrong != nil) {
			t.Fatalf("%q: stray %t, another reader says %v", text, stray, wrong)
		}
	})
}

func TestPackedBytesAreNoLines(t *testing.T) {
	for _, magic := range magics {
		for _, kind := range []mapreduce.Records{mapreduce.Lines, mapreduce.NDJSON, mapreduce.CSV} {
			_, err := records(t, Open(splitNamed(t, "a.log", []byte(magic.begin+"\n\n")), ReadConfig{Records: kind}))
			wantError(t, err, "is "+magic.what+" by its first bytes")
		}
		if got, err := records(t, Open(splitNamed(t, "a.bin", []byte(magic.begin)), ReadConfig{Records: mapreduce.Whole})); err != nil || len(got) == 0 {
			t.Errorf("%s as a whole: %v", magic.what, err)
		}
	}
}

func TestWhatAnOutputHasBesideItsRowsIsNotListed(t *testing.T) {
	dir := tree(t, "part-00000", "_SUCCESS", ".out.jetreduce-0123", ".hidden", ".sub.jetreduce-0123/part-00000")
	sources, err := List(t.Context(), []string{dir}, Reach{})
	if err != nil || len(sources) != 2 {
		t.Errorf("listed %+v, %v", sources, err)
	}
	_, err = List(t.Context(), []string{dir + "/_SUCCESS"}, Reach{})
	wantError(t, err, "name the directory, or part-* in it")
}
