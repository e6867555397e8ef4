package programs

import (
	"testing"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/mapreducetest"
)

// A record may have LFs in it: it is counted, found, sorted and passed on whole.
func TestProgramsOfLinesTakeRecordsOfAnyKind(t *testing.T) {
	const rows = "x,\"two\nlines\"\r\na,b\r\n"
	for _, c := range []struct {
		program string
		args    map[string]string
		records mapreduce.Records
		input   string
		want    string
	}{
		{"count", nil, mapreduce.CSV, rows, "lines\t2\n"},
		{"count", nil, mapreduce.CSVHeader, rows, "lines\t1\n"},
		{"count", nil, mapreduce.FixedRecords(3), "a\nbc\n\n", "lines\t2\n"},
		{"count", nil, mapreduce.Whole, "a\nb\n", "lines\t1\n"},
		{"count", nil, mapreduce.NDJSON, "{}\n[1]\n", "lines\t2\n"},
		{"grep", map[string]string{"literal": "lines"}, mapreduce.CSV, rows, "x,\"two\nlines\"\t\n"},
		{"grep", map[string]string{"pattern": "^x"}, mapreduce.CSV, rows, "x,\"two\nlines\"\t\n"},
		{"grep", map[string]string{"literal": "b", "where": "offset"}, mapreduce.FixedRecords(2), "aaabb\n", "in:2\tab\nin:4\tb\n\n"},
		{"identity", nil, mapreduce.FixedRecords(2), "b\na\n", "a\n\t\nb\n\t\n"},
		{"sort", nil, mapreduce.FixedRecords(2), "bbabaa", "aa\t\nab\t\nbb\t\n"},
		{"sum", nil, mapreduce.FixedRecords(4), "a\t01b\t02", "a\t1\nb\t2\n"},
	} {
		program, err := mustSet(t).Find(c.program)
		if err != nil {
			t.Fatal(err)
		}
		config := mapreducetest.Config{Args: c.args, Inputs: map[string]string{"in": c.input}, Records: c.records}
		if got := mapreducetest.Run(t, program, config).Text(); got != c.want {
			t.Errorf("%s of %s %q: got %q, want %q", c.program, c.records, c.input, got, c.want)
		}
	}
}

func mustSet(t *testing.T) Set {
	t.Helper()
	set, err := NewSet(Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
