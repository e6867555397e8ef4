package programs_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/mapreducetest"
	"jetreduce/mapreduce/programs"
)

// one runs a program over one input.
func one(tb testing.TB, program string, args map[string]string, text string) mapreducetest.Result {
	tb.Helper()
	return mapreducetest.Run(tb, programNamed(tb, program), mapreducetest.Config{Args: args, Inputs: map[string]string{"in.txt": text}})
}

func TestFieldsAreCutByTheKindOfRecord(t *testing.T) {
	const (
		rows = "x;\"a;\"\"b\"\"\";1\nx;\"c\nd\";2\n"
		logs = "{\"request\":{\"status\":200,\"tags\":[\"a\",\"b\\tc\"]},\"x\":null}\n\n{\"request\":{\"status\":404}}\nnot json\n"
	)
	for name, c := range map[string]struct {
		kind mapreduce.Records
		args map[string]string
		text string
		want string
		left mapreduce.Counters
	}{
		"blanks": {"", map[string]string{"field": "2"}, "a  b\tc\r\n b a\nx\n", "a\t1\nb\t1\n",
			mapreduce.Counters{"freq,left out: no field 2": 1}},
		"the first":  {"", nil, " a b\na\r\n", "a\t2\n", nil},
		"whole line": {"", map[string]string{"field": "0"}, "a b\na b\n\n", "\t1\na b\t2\n", nil},
		"two":        {"", map[string]string{"field": "3,1"}, "a b c\na x c\n", "c a\t2\n", nil},
		"separator":  {"", map[string]string{"field": "2", "separator": "::"}, "a::b c::\na::\n", "\t1\nb c\t1\n", nil},
		"tab":        {"", map[string]string{"field": "2", "separator": `\t`}, "a\tb c\r\n", "b c\t1\n", nil},
		"pattern": {"", map[string]string{"pattern": `x=(\d+)`}, "x=1 x=2\nx=\nx=1", "1\t2\n",
			mapreduce.Counters{"freq,left out: no match": 1}},
		"no group": {"", map[string]string{"pattern": `\d+`}, "x=1 x=2\n", "1\t1\n", nil},
		"csv":      {mapreduce.CSV, map[string]string{"field": "2", "separator": ";"}, rows, "a;\"b\"\t1\nc\nd\t1\n", nil},
		"csv, two": {mapreduce.CSV, map[string]string{"field": "2,1", "separator": ";"}, rows, "\"a;\"\"b\"\"\";x\t1\n\"c\nd\";x\t1\n", nil},
		"csv, bad": {mapreduce.CSV, nil, "a\"\"b,c\n\"a\"b\nd,e\n", "d\t1\n", mapreduce.Counters{"freq,left out: no csv": 2}},
		"path": {mapreduce.NDJSON, map[string]string{"field": "request.status"}, logs, "200\t1\n404\t1\n",
			mapreduce.Counters{"freq,left out: no json": 1}},
		"element": {mapreduce.NDJSON, map[string]string{"field": "request.tags.1"}, logs, "b\tc\t1\n",
			mapreduce.Counters{"freq,left out: no json": 1, "freq,left out: no field request.tags.1": 1}},
		"paths": {mapreduce.NDJSON, map[string]string{"field": "a,b"}, `{"a":"x\ty","b":"z"}` + "\n" + `{"a":"x","b":"y\tz"}` + "\n" +
			`{"a":"x\\ty","b":"z"}` + "\n", "x\ty\\tz\t1\nx\\\\ty\tz\t1\nx\\ty\tz\t1\n", nil},
		"object": {mapreduce.NDJSON, map[string]string{"field": "a"}, "{\"a\": {\"b\": [ 1, 2.50 ]}}\n", "{\"b\":[1,2.50]}\t1\n", nil},
		"null":   {mapreduce.NDJSON, map[string]string{"field": "a"}, "{\"a\":null}\n", "", mapreduce.Counters{"freq,left out: no field a": 1}},
		"whole":  {mapreduce.Whole, nil, "a b\nc", "a\t1\n", nil},
	} {
		config := mapreducetest.Config{Args: c.args, Records: c.kind, Inputs: map[string]string{"in": c.text}}
		got := mapreducetest.Run(t, programNamed(t, "freq"), config)
		if diff := cmp.Diff(c.want, got.Text()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(c.left, got.Counters); diff != "" {
			t.Errorf("%s, counters (-want +got):\n%s", name, diff)
		}
	}
}

func TestFieldsThatRecordsCannotHaveAreRefused(t *testing.T) {
	for want, c := range map[string]struct {
		kind mapreduce.Records
		args map[string]string
	}{
		"name one, as in request.status":     {mapreduce.NDJSON, nil},
		"leave out the separator":            {mapreduce.NDJSON, map[string]string{"field": "a", "separator": ";"}},
		"field a.b: these records have":      {mapreduce.Lines, map[string]string{"field": "a.b"}},
		"that of csv is one byte":            {mapreduce.CSV, map[string]string{"separator": "::"}},
		"record at byte 4: no field 2 in \"": {mapreduce.Lines, map[string]string{"field": "2", "strict": "1"}},
	} {
		config := mapreducetest.Config{Args: c.args, Records: c.kind, Inputs: map[string]string{"in": "a b\n{}\n"}}
		if _, err := mapreducetest.Try(t.Context(), programNamed(t, "freq"), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v\nwant %s", c.args, err, want)
		}
	}
}

func TestArgumentsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, c := range []struct {
		program string
		args    map[string]string
		want    string
	}{
		{"freq", map[string]string{"n": "3"}, "freq knows no argument n: use field, pattern, separator, strict"},
		{"freq", map[string]string{"field": "1,,2"}, "name fields with commas between"},
		{"freq", map[string]string{"separator": ""}, "use some text without a LF"},
		{"freq", map[string]string{"pattern": "("}, "freq: pattern: error parsing regexp"},
		{"freq", map[string]string{"pattern": "a", "field": "2"}, "leave out field and separator"},
		{"freq", map[string]string{"strict": "yes"}, "freq: strict=yes: use 0, 1"},
		{"top", map[string]string{"n": "0"}, "top: n=0: use a number from 1 to 1000000"},
		{"top", map[string]string{"n": "1e3"}, "use a number"},
		{"top", map[string]string{"N": "3"}, "top knows no argument N: use field, n, pattern, separator, strict"},
		{"distinct", map[string]string{"field": "1"}, "use fields, pattern, separator, strict"},
		{"index", map[string]string{"where": "line"}, "index: where=line: use file, offset"},
		{"index", map[string]string{"wher": "file"}, "index knows no argument wher: use where"},
		{"join", nil, "which inputs are the left side?"},
		{"join", map[string]string{"left": "["}, "syntax error in pattern"},
		{"join", map[string]string{"left": "a", "type": "full"}, "join: type=full: use inner, left, right, outer"},
		{"join", map[string]string{"left": "a", "right_key": "1,2"}, "join: right_key=1,2: use one field"},
		{"join", map[string]string{"left": "a", "key": "0"}, "join: key=0: use one field"},
		{"join", map[string]string{"left": "a", "left_key": "00"}, "join: left_key=00: use one field"},
		{"join", map[string]string{"left": "a", "right": "b"}, "join knows no argument right"},
		{"stats", map[string]string{"value": "2,3"}, "stats: value=2,3: use one field"},
		{"stats", map[string]string{"p": "2"}, "use key, separator, strict, value"},
		{"timeline", map[string]string{"by": "week"}, "timeline: by=week: use hour, minute, day"},
		{"timeline", map[string]string{"format": "iso"}, "format=iso: use rfc3339, common, syslog, epoch, epoch-ms, or"},
		{"timeline", map[string]string{"format": "%Q"}, "of %-directives use"},
		{"timeline", map[string]string{"format": "%"}, "of %-directives use"},
		{"timeline", map[string]string{"year": "24a"}, "year=24a: use a number from 1 to 9999"},
		{"timeline", map[string]string{"zone": "x"}, "use by, field, format, pattern, separator, strict, year"},
	} {
		_, err := programNamed(t, c.program).Mapper(c.args)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v\nwant %s", c.program, c.args, err, c.want)
		}
	}
}

// FuzzSplitCSV compares with encoding/csv, which drops the CR of a CR LF, and of the last line.
func FuzzSplitCSV(f *testing.F) {
	for _, record := range []string{`a,b`, `"a,""b""",`, ``, `"`, `a"b`, `"a"b`, "\"a\nb\",c", `,`, `""`} {
		f.Add([]byte(record), byte(','))
	}
	f.Fuzz(func(t *testing.T, record []byte, comma byte) {
		if len(record) == 0 || bytes.ContainsAny(record, "\r") || comma == '"' || comma < ' ' || comma >= 0x7F || !oneRow(record) {
			t.Skip()
		}
		reader := csv.NewReader(bytes.NewReader(record))
		reader.Comma = rune(comma)
		want, wantErr := reader.Read()
		got, err := programs.SplitCSV(record, comma)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, encoding/csv %v", record, err, wantErr)
		}
		if err == nil && !slices.EqualFunc(got, want, func(a []byte, b string) bool { return string(a) == b }) {
			t.Fatalf("%q: %q, encoding/csv %q", record, got, want)
		}
	})
}

// oneRow reports whether the text is one record of CSV without its end.
func oneRow(record []byte) bool {
	singles := slices.Collect(mapreduce.Batch{Data: append(bytes.Clone(record), '\n'), Records: mapreduce.CSV}.Singles())
	return len(singles) == 1 && record[0] != '\n'
}

func TestCSVThatIsWrittenIsReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.SliceOfN(rapid.StringMatching("[a,\";\n\r ]*"), 1, 5).Draw(t, "fields")
		var record []byte
		for i, field := range fields {
			if i > 0 {
				record = append(record, ';')
			}
			record = programs.AppendCSV(record, []byte(field), ';')
		}
		got, err := programs.SplitCSV(record, ';')
		if err != nil || !slices.EqualFunc(got, fields, func(a []byte, b string) bool { return string(a) == b }) {
			t.Fatalf("%q: %q, %v, want %q", record, got, err, fields)
		}
	})
}

// FuzzJSONField takes anything without a panic, and finds no field in what is no JSON.
func FuzzJSONField(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,"x"]}}`), "a.b.1")
	f.Add([]byte(`[{"":1}]`), "0.")
	f.Add([]byte(`nul`), "a")
	f.Fuzz(func(t *testing.T, record []byte, path string) {
		value, err := programs.JSONField(record, path)
		if err != nil && value != nil {
			t.Fatalf("%q at %q: %q and %v", record, path, value, err)
		}
	})
}
