package output

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// written is one row in a format.
func written(tb rapid.TB, format Format, numeric bool, key, value []byte) []byte {
	tb.Helper()
	var text bytes.Buffer
	rows := NewRows(&text, format, mapreduce.Program{Numeric: numeric})
	if err := errors.Join(rows.Row(key, value), rows.Flush()); err != nil || rows.Count() != 1 {
		tb.Fatalf("wrote %d rows: %v", rows.Count(), err)
	}
	return text.Bytes()
}

func TestRowsLookAsTheirFormatSays(t *testing.T) {
	for _, c := range []struct {
		format     Format
		numeric    bool
		key, value string
		want       string
	}{
		{TSV, true, "word", "3", "word\t3\n"},
		{TSV, false, "a,\"b\xff", "", "a,\"b\xff\t\n"},
		{CSV, true, "word", "3", "word,3\r\n"},
		{CSV, false, "", "", ",\r\n"},
		{CSV, false, " a b ", "‘x’", " a b ,‘x’\r\n"},
		{CSV, false, "a,b", "say \"x\"", "\"a,b\",\"say \"\"x\"\"\"\r\n"},
		{CSV, false, "a\rb", "a\nb", "\"a\rb\",\"a\nb\"\r\n"},
		{CSV, false, "\"", "\t;'", "\"\"\"\",\t;'\r\n"},
		{NDJSON, true, "word", "3", `{"key":"word","value":3}` + "\n"},
		{NDJSON, true, "word", "-0.50", `{"key":"word","value":-0.50}` + "\n"},
		{NDJSON, true, "word", "007", `{"key":"word","value":"007"}` + "\n"},
		{NDJSON, true, "word", "NaN", `{"key":"word","value":"NaN"}` + "\n"},
		{NDJSON, false, "word", "3", `{"key":"word","value":"3"}` + "\n"},
		{NDJSON, false, "<&>\u2028\x7f", "\"\\/\n\r\t\x00\x1f", `{"key":"<&>` + "\u2028\x7f" +
			`","value":"\"\\/\n\r\t\u0000\u001f"}` + "\n"},
		{NDJSON, true, "\xff\xfe", "1", `{"key_b64":"//4=","value":1}` + "\n"},
		{NDJSON, true, "k", "\xff", `{"key":"k","value_b64":"/w=="}` + "\n"},
	} {
		if got := written(t, c.format, c.numeric, []byte(c.key), []byte(c.value)); string(got) != c.want {
			t.Errorf("%s of %q, %q: got %q, want %q", c.format, c.key, c.value, got, c.want)
		}
	}
}

// A row that is a whole line stays one; formats with columns split it at its first TAB, if it has one.
func TestRawRowsAreLines(t *testing.T) {
	for _, c := range []struct{ line, tsv, csv, ndjson string }{
		{"word\t3", "word\t3\n", "word,3\r\n", `{"key":"word","value":3}` + "\n"},
		{"no tab", "no tab\n", "no tab\r\n", `{"key":"no tab"}` + "\n"},
		{"", "\n", "\r\n", `{"key":""}` + "\n"},
		{"a\t", "a\t\n", "a,\r\n", `{"key":"a","value":""}` + "\n"},
		{"\tb", "\tb\n", ",b\r\n", `{"key":"","value":"b"}` + "\n"},
		{"a,b\tc\td", "a,b\tc\td\n", "\"a,b\",c\td\r\n", `{"key":"a,b","value":"c\td"}` + "\n"},
		{"\xff", "\xff\n", "\xff\r\n", `{"key_b64":"/w=="}` + "\n"},
	} {
		for format, want := range map[Format]string{TSV: c.tsv, CSV: c.csv, NDJSON: c.ndjson} {
			var text bytes.Buffer
			rows := NewRows(&text, format, mapreduce.Program{Raw: true, Numeric: true})
			for range 2 { // one row leaves nothing to the next
				must(t, errors.Join(rows.Row([]byte("x"), nil), rows.Row([]byte(c.line), nil)))
			}
			must(t, rows.Flush())
			bare := map[Format]string{TSV: "x\n", CSV: "x\r\n", NDJSON: `{"key":"x"}` + "\n"}[format] + want
			if text.String() != bare+bare || rows.Count() != 4 {
				t.Errorf("%s of %q: got %q, want %q", format, c.line, text.String(), bare+bare)
			}
		}
	}
}

func TestOnlyJSONNumbersAreNumbers(t *testing.T) {
	for _, text := range []string{"0", "-0", "7", "10", "123456789012345678901234567890", "0.5", "-1.50"} {
		if !isNumber([]byte(text)) || !json.Valid([]byte(text)) {
			t.Errorf("%q is a number", text)
		}
	}
	for _, text := range []string{"", "-", "+1", "01", "-01", ".5", "1.", "1.-", "0x1", "1e5", " 1", "1 ", "1\n", "１", "1.2.3", "--1"} {
		if isNumber([]byte(text)) {
			t.Errorf("%q is no decimal number of JSON", text)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.StringMatching(`[-+0-9.e]{0,6}`).Draw(t, "text"))
		if isNumber(text) && !json.Valid(text) {
			t.Fatalf("%q is written bare, and is no JSON", text)
		}
	})
}

func fields() *rapid.Generator[[]byte] {
	pieces := []string{"a", "é", ",", "\"", "\"\"", "\r", "\n", "\r\n", " ", "\t", "'", "\\", ";", "\x00", "\x1f", "\u2028", "<", "\xff", "7"}
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 5),
		func(parts []string) []byte { return []byte(strings.Join(parts, "")) })
}

func TestNDJSONIsReadBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, value := fields().Draw(t, "key"), fields().Draw(t, "value")
		numeric := rapid.Bool().Draw(t, "numeric")
		line := written(t, NDJSON, numeric, key, value)
		var row struct {
			Key      string `json:"key"`
			KeyB64   []byte `json:"key_b64"`
			Value    any    `json:"value"`
			ValueB64 []byte `json:"value_b64"`
		}
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.UseNumber()
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&row); err != nil || bytes.Count(line, []byte("\n")) != 1 {
			t.Fatalf("read %q: %v", line, err)
		}
		if got := row.Key + string(row.KeyB64); got != string(key) || (row.KeyB64 == nil) != utf8.Valid(key) {
			t.Fatalf("key %q comes back as %q from %q", key, got, line)
		}
		text := ""
		if row.Value != nil {
			text = fmt.Sprint(row.Value)
		}
		if got := text + string(row.ValueB64); got != string(value) {
			t.Fatalf("value %q comes back as %q from %q", value, got, line)
		}
		if _, bare := row.Value.(json.Number); bare != (numeric && isNumber(value)) {
			t.Fatalf("value %q is written as %q", value, line)
		}
	})
}

func TestCSVIsWhatPythonWrites(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	const writer = `
import csv, sys
out = csv.writer(open(1, "w", newline="", encoding="utf-8", errors="surrogateescape"))
for line in sys.stdin:
    out.writerow([bytes.fromhex(f).decode("utf-8", "surrogateescape") for f in line.rstrip("\n").split(",")])
`
	var ours, ask bytes.Buffer
	rows := NewRows(&ours, CSV, mapreduce.Program{Numeric: false})
	for seed := range 5000 {
		key, value := fields().Example(2*seed), fields().Example(2*seed+1)
		if bytes.ContainsRune(append(key, value...), 0) {
			continue // some Pythons refuse NUL
		}
		if err := rows.Row(key, value); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&ask, "%s,%s\n", hex.EncodeToString(key), hex.EncodeToString(value))
	}
	if err := rows.Flush(); err != nil || rows.Count() < 1000 {
		t.Fatalf("wrote %d rows: %v", rows.Count(), err)
	}
	command := exec.Command(python, "-c", writer)
	command.Stdin = &ask
	theirs, err := command.Output()
	if err != nil {
		t.Fatalf("run python3: %v", err)
	}
	if !bytes.Equal(ours.Bytes(), theirs) {
		t.Errorf("%d bytes here, %d there, or others", ours.Len(), len(theirs))
	}
}

func TestFormatIsChosenByNameOrEnding(t *testing.T) {
	for name, want := range map[string]Format{"": TSV, "tsv": TSV, "csv": CSV, "ndjson": NDJSON} {
		if got, err := ParseFormat(name); got != want || err != nil {
			t.Errorf("format %q: got %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"json", "CSV", "xml"} {
		if _, err := ParseFormat(name); err == nil || !strings.Contains(err.Error(), "use tsv, csv or ndjson") {
			t.Errorf("format %q: %v", name, err)
		}
	}
	for path, want := range map[string]Format{"/x/out.csv": CSV, "OUT.CSV": CSV, "a.ndjson": NDJSON, "a.jsonl": NDJSON, "a.tsv": TSV,
		"a.csv.gz": CSV, "a.NDJSON.ZST": NDJSON, "a.jsonl.zstd": NDJSON, "a.tsv.gz": TSV, "a.gz": TSV, "csv.gz": TSV, ".gz": TSV,
		"a.txt": TSV, "-": TSV, "csv": TSV, "": TSV, "a.csv/out": TSV} {
		if got := FormatFor(path); got != want {
			t.Errorf("format for %q: got %q, want %q", path, got, want)
		}
	}
}

func TestRowsTellOfTheWriterBelow(t *testing.T) {
	full := errors.New("no space left")
	rows := NewRows(failing{full}, TSV, mapreduce.Program{Numeric: false})
	var err error
	for range rowBuffer {
		if err = rows.Row([]byte("key"), []byte("value")); err != nil {
			break
		}
	}
	counted := rows.Count()
	if !errors.Is(err, full) || !errors.Is(rows.Row(nil, nil), full) || !errors.Is(rows.Flush(), full) || rows.Count() != counted {
		t.Errorf("the error was lost: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestRowsAreNotAllocated(t *testing.T) {
	key, value := []byte("kéy, \"quoted\""), []byte("12")
	for _, format := range []Format{TSV, CSV, NDJSON} {
		rows := NewRows(io.Discard, format, mapreduce.Program{Numeric: true})
		raw := NewRows(io.Discard, format, mapreduce.Program{Numeric: true, Raw: true})
		if allocs := testing.AllocsPerRun(1000, func() { _ = raw.Row(key, nil) }); allocs != 0 {
			t.Errorf("%s: %v allocations a raw row", format, allocs)
		}
		if allocs := testing.AllocsPerRun(1000, func() { _ = rows.Row(key, value) }); allocs != 0 {
			t.Errorf("%s: %v allocations a row", format, allocs)
		}
	}
}

func BenchmarkRows(b *testing.B) {
	for _, format := range []Format{TSV, CSV, NDJSON} {
		b.Run(string(format), func(b *testing.B) {
			rows := NewRows(io.Discard, format, mapreduce.Program{Numeric: true})
			key, value := []byte("something"), []byte("12345")
			b.ReportAllocs()
			for b.Loop() {
				_ = rows.Row(key, value)
			}
		})
	}
}
