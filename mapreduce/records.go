package mapreduce

import (
	"bytes"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// Records says what a record of an input is. No split and no batch ever cuts one.
type Records string

// The kinds of records. That of a size in bytes is made by FixedRecords.
const (
	Lines     Records = ""           // ends with LF; a CR is one of its bytes, the last one may lack its LF
	Whole     Records = "whole"      // a whole input
	NDJSON    Records = "ndjson"     // a line that is one JSON value; blank ones are none
	CSV       Records = "csv"        // of RFC 4180: an LF between quotes is one of its bytes
	CSVHeader Records = "csv:header" // likewise, and the first of each input names the columns: it is no record

	fixedPrefix = "fixed:"
)

// MaxFixed bounds the bytes of records that all have the same.
const MaxFixed = 64 << 20

// FixedRecords is records of so many bytes each, 1 to MaxFixed, with nothing between them.
func FixedRecords(size int) Records { return Records(fixedPrefix + strconv.Itoa(size)) }

// Fixed is how many bytes each record has; 0: it depends. It is asked for each record, so it allocates nothing.
func (r Records) Fixed() (size int) {
	digits, fixed := strings.CutPrefix(string(r), fixedPrefix)
	if !fixed || len(digits) > len("67108864") || strings.HasPrefix(digits, "0") {
		return 0
	}
	for _, digit := range []byte(digits) {
		if digit < '0' || digit > '9' {
			return 0
		}
		size = 10*size + int(digit-'0')
	}
	if size > MaxFixed {
		return 0
	}
	return size
}

// AreLines reports whether each record is a line, with no LF in it.
func (r Records) AreLines() bool { return r == Lines || r == NDJSON }

// IsCSV reports whether records are those of CSV.
func (r Records) IsCSV() bool { return r == CSV || r == CSVHeader }

// ParseRecords reads the name of a kind; "lines" is the same as none.
func ParseRecords(name string) (Records, error) {
	r := Records(name)
	switch {
	case r == "lines":
		return Lines, nil
	case r == Lines, r == Whole, r == NDJSON, r == CSV, r == CSVHeader, r.Fixed() > 0:
		return r, nil
	}
	return Lines, fmt.Errorf("unknown records %q: use lines, whole, ndjson, csv, csv:header, or fixed:BYTES (1 to %d)", name, MaxFixed)
}

// Each yields each record's offset in the input, and its bytes without the LF (of CSV: CR LF) that ends it.
func (b Batch) Each() iter.Seq2[int64, []byte] {
	if b.Records.AreLines() {
		return b.Lines()
	}
	return func(yield func(int64, []byte) bool) {
		for one := range b.Singles() {
			if !yield(one.Offset, b.Records.trim(one.Data)) {
				return
			}
		}
	}
}

// Singles yields each record as a batch of its own, with what ends it.
func (b Batch) Singles() iter.Seq[Batch] {
	return func(yield func(Batch) bool) {
		for rest, one := b.Data, b; len(rest) > 0; {
			n := b.Records.first(rest)
			one.Data, rest = rest[:n:n], rest[n:]
			if !yield(one) {
				return
			}
			one.Offset += int64(n)
		}
	}
}

// first is how many bytes the first of the records has, with what ends it.
func (r Records) first(data []byte) int {
	switch {
	case r == Whole:
		return len(data)
	case r.Fixed() > 0:
		return min(r.Fixed(), len(data))
	case r.IsCSV():
		return firstRow(data)
	}
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1
	}
	return len(data)
}

// firstRow is how many bytes the first row of a CSV has. A quote inside quotes is doubled, so that behind an even number of quotes one is
// outside of them; behind an odd one the next LF that may count is behind the next quote.
func firstRow(data []byte) int {
	for end := 0; ; {
		i := bytes.IndexByte(data[end:], '\n')
		if i < 0 {
			return len(data)
		}
		inside := bytes.Count(data[end:end+i], quote)%2 != 0
		if end += i + 1; !inside {
			return end
		}
		i = bytes.IndexByte(data[end:], '"')
		if i < 0 {
			return len(data)
		}
		end += i + 1
	}
}

var quote = []byte{'"'}

// trim cuts off what ends a record.
func (r Records) trim(record []byte) []byte {
	switch {
	case r == Whole, r.Fixed() > 0:
		return record
	case r.IsCSV():
		record = bytes.TrimSuffix(record, lf)
		return bytes.TrimSuffix(record, []byte{'\r'})
	}
	return bytes.TrimSuffix(record, lf)
}
