package mapreduce

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestKindsOfRecordsHaveNames(t *testing.T) {
	for name, want := range map[string]Records{
		"": Lines, "lines": Lines, "whole": Whole, "ndjson": NDJSON, "csv": CSV, "csv:header": CSVHeader, "fixed:100": FixedRecords(100),
	} {
		if got, err := ParseRecords(name); got != want || err != nil {
			t.Errorf("%q is %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"line", "fixed", "fixed:", "fixed:0", "fixed:-1", "fixed:01", "fixed:67108865", "fixed:1e3", "csv:", "CSV"} {
		if got, err := ParseRecords(name); err == nil || !strings.Contains(err.Error(), "use lines, whole") {
			t.Errorf("%q is %q, %v", name, got, err)
		}
	}
}

func TestRecordsOfABatchAreCutByTheirKind(t *testing.T) {
	for _, c := range []struct {
		records Records
		data    string
		want    []string // offset: record
	}{
		{Lines, "a\r\n\nb", []string{"0: a\r", "3: ", "4: b"}},
		{NDJSON, "{}\n[1]", []string{"0: {}", "3: [1]"}},
		{Whole, "a\nb\n", []string{"0: a\nb\n"}},
		{FixedRecords(2), "aab\n", []string{"0: aa", "2: b\n"}},
		{CSV, "a,\"b\nc\"\r\n\"x\"\"\n\",y\nlast", []string{"0: a,\"b\nc\"", "9: \"x\"\"\n\",y", "18: last"}},
		{Lines, "", nil},
		{Whole, "", nil},
	} {
		var got []string
		for offset, record := range (Batch{Data: []byte(c.data), Records: c.records}).Each() {
			got = append(got, fmt.Sprintf("%d: %s", offset, record))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q of %q (-want +got):\n%s", c.records, c.data, diff)
		}
	}
}

// What another reader of CSV takes for rows are the records.
func TestRowsOfACSVAreThoseThatOthersRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		field := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", ",", "\"", "\n", "\r\n", "é", " "}), 1, 5),
			func(parts []string) string { return strings.Join(parts, "") + "." })
		rows := rapid.SliceOfN(rapid.SliceOfN(field, 2, 3), 1, 6).Draw(t, "rows")
		var text strings.Builder
		w := csv.NewWriter(&text)
		w.UseCRLF = rapid.Bool().Draw(t, "CRLF")
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, record := range (Batch{Data: []byte(text.String()), Records: CSV}).Each() {
			r := csv.NewReader(strings.NewReader(string(record)))
			r.FieldsPerRecord = -1
			got, err := r.Read()
			if _, end := r.Read(); err != nil || !errors.Is(end, io.EOF) || len(got) != len(rows[n]) {
				t.Fatalf("record %d, %q: %q, %v", n, record, got, err)
			}
			n++
		}
		if n != len(rows) {
			t.Fatalf("%d records of %d rows", n, len(rows))
		}
	})
}
