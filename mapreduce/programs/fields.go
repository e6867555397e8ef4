package programs

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"jetreduce/mapreduce"
)

// fields cuts fields out of records. What a field is, the kind of record says:
//
//	lines, whole, fixed   between blanks, or between separators; numbers from 1, and 0 is the whole record
//	csv                   as RFC 4180 has them, with another separator if one is given; numbers likewise
//	ndjson                a dotted path: "request.status", "tags.0"
//
// With a pattern the field is what its first group matches, or all of it where it has no group.
type fields struct {
	program   string
	names     []string // numbers or paths
	given     bool     // by the user
	numbers   []int    // of names; nil: not all of them are
	separator []byte   // nil: blanks, in CSV a comma
	pattern   *regexp.Regexp

	all    [][]byte // of the record
	chosen [][]byte
	buf    []byte
	row    []byte
}

// newFields reads the argument of that name, and separator and pattern, where the program takes them.
func newFields(args arguments, name, otherwise string) (*fields, error) {
	f := &fields{program: args.program}
	text, given := args.given[name]
	if !given {
		text = otherwise
	}
	f.given, f.names = given, strings.Split(text, ",")
	if slices.Contains(f.names, "") {
		return nil, fmt.Errorf("%s: %s=%s: name fields with commas between: 1,3", args.program, name, text)
	}
	f.numbers = fieldNumbers(f.names)
	var err error
	if f.separator, err = args.separator(); err != nil {
		return nil, err
	}
	expression, matches := args.given["pattern"]
	if !matches {
		return f, nil
	}
	if given || f.separator != nil {
		return nil, fmt.Errorf("%s: a pattern is matched against the whole record: leave out %s and separator", args.program, name)
	}
	if f.pattern, err = regexp.Compile(expression); err != nil {
		return nil, fmt.Errorf("%s: pattern: %w", args.program, err)
	}
	return f, nil
}

// separator is what the argument of that name says; nil: nothing.
func (a arguments) separator() ([]byte, error) {
	text, given := a.given["separator"]
	if !given {
		return nil, nil
	}
	separator := []byte(strings.ReplaceAll(text, `\t`, "\t"))
	if len(separator) == 0 || bytes.IndexByte(separator, '\n') >= 0 {
		return nil, fmt.Errorf("%s: separator=%q: use some text without a LF, or leave it out: then blanks separate", a.program, text)
	}
	return separator, nil
}

// fieldNumbers is nil where a name is none.
func fieldNumbers(names []string) []int {
	numbers := make([]int, len(names))
	for i, name := range names {
		n, err := strconv.ParseUint(name, 10, 16)
		if err != nil {
			return nil
		}
		numbers[i] = int(n)
	}
	return numbers
}

// suit refuses fields that records of this kind cannot have: no other attempt would find them.
func (f *fields) suit(kind mapreduce.Records) error {
	switch {
	case f.pattern != nil:
		return nil
	case kind == mapreduce.NDJSON && f.separator != nil:
		return mapreduce.Permanentf("%s: fields of ndjson have names: leave out the separator", f.program)
	case kind == mapreduce.NDJSON && !f.given && f.names[0] != "0":
		return mapreduce.Permanentf("%s: fields of ndjson have names: name one, as in request.status", f.program)
	case kind != mapreduce.NDJSON && f.numbers == nil:
		return mapreduce.Permanentf("%s: field %s: these records have numbers for fields, from 1 on; names are for ndjson",
			f.program, strings.Join(f.names, ","))
	case kind.IsCSV() && len(f.separator) > 1 || kind.IsCSV() && string(f.separator) == `"`:
		return mapreduce.Permanentf("%s: separator %q: that of csv is one byte, and no quote", f.program, f.separator)
	}
	return nil
}

// cut is the fields of a record, in the order in which they are named. They are valid until the next call. Lacks says why there are none.
func (f *fields) cut(kind mapreduce.Records, record []byte) (values [][]byte, lacks string) {
	f.chosen, f.buf = f.chosen[:0], f.buf[:0]
	switch {
	case f.pattern != nil:
		return f.match(record)
	case kind == mapreduce.NDJSON:
		return f.cutJSON(record)
	}
	if len(f.numbers) == 1 && f.numbers[0] == 0 {
		return append(f.chosen, record), ""
	}
	if lacks := f.split(kind, record); lacks != "" {
		return nil, lacks
	}
	for i, n := range f.numbers {
		switch {
		case n == 0:
			f.chosen = append(f.chosen, record)
		case n > len(f.all):
			return nil, "no field " + f.names[i]
		default:
			f.chosen = append(f.chosen, f.all[n-1])
		}
	}
	return f.chosen, ""
}

func (f *fields) match(record []byte) (values [][]byte, lacks string) {
	found := f.pattern.FindSubmatchIndex(record)
	if len(found) > 2 {
		found = found[2:]
	}
	if found == nil || found[0] < 0 {
		return nil, "no match"
	}
	return append(f.chosen, record[found[0]:found[1]]), ""
}

// split is all fields of a record that is no JSON.
func (f *fields) split(kind mapreduce.Records, record []byte) (lacks string) {
	f.all = f.all[:0]
	if kind.IsCSV() {
		var err error
		if f.all, f.buf, err = splitCSV(f.all, f.buf, record, f.comma()); err != nil {
			return "no csv"
		}
		return ""
	}
	record = bytes.TrimSuffix(record, []byte("\r"))
	if f.separator == nil {
		for field := range bytes.FieldsFuncSeq(record, isBlank) {
			f.all = append(f.all, field)
		}
		return ""
	}
	for field := range bytes.SplitSeq(record, f.separator) {
		f.all = append(f.all, field)
	}
	return ""
}

func isBlank(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' }

func (f *fields) comma() byte {
	if f.separator == nil {
		return ','
	}
	return f.separator[0]
}

// join makes one text of several fields, with what separates them between: of CSV with quotes where needed, of JSON with TABs, and those
// in a field as \t. So no two lists of fields become the same text. One field is as it is.
func (f *fields) join(kind mapreduce.Records, values [][]byte) []byte {
	if len(values) == 1 {
		return values[0]
	}
	f.row = f.row[:0]
	for i, value := range values {
		switch {
		case i == 0:
		case kind == mapreduce.NDJSON:
			f.row = append(f.row, '\t')
		case kind.IsCSV():
			f.row = append(f.row, f.comma())
		case f.separator == nil:
			f.row = append(f.row, ' ')
		default:
			f.row = append(f.row, f.separator...)
		}
		f.row = f.appendField(f.row, kind, value)
	}
	return f.row
}

// appendField appends one field of several.
func (f *fields) appendField(dst []byte, kind mapreduce.Records, value []byte) []byte {
	switch {
	case kind.IsCSV():
		return appendCSV(dst, value, f.comma())
	case kind == mapreduce.NDJSON:
		return appendEscaped(dst, value)
	}
	return append(dst, value...)
}
