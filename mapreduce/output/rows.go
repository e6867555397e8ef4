package output

import (
	"bufio"
	"bytes"
	"io"

	"jetreduce/mapreduce"
)

// Rows writes rows to a file or a pipe. It is not safe for concurrent use.
type Rows struct {
	w       *bufio.Writer
	write   func(r *Rows, key, value []byte)
	numeric bool
	bare    bool
	count   int64
	before  int64 // of parts that are over
	scratch []byte
}

// rowBuffer is large, because a row is small and a write is a system call.
const rowBuffer = 64 << 10

// NewRows makes the writer of a program's rows in a format that ParseFormat knows.
func NewRows(w io.Writer, format Format, program mapreduce.Program) *Rows {
	rows := &Rows{w: bufio.NewWriterSize(w, rowBuffer), write: writeTSV, numeric: program.Numeric, bare: program.Bare}
	switch format {
	case CSV:
		rows.write = writeCSV
	case NDJSON:
		rows.write = writeJSON
	}
	if program.Raw {
		rows.write = raw(format, rows.write)
	}
	return rows
}

// Row writes one row. The error is that of the writer below, which may come some rows late, and then again each time.
func (r *Rows) Row(key, value []byte) error {
	r.write(r, key, value)
	// A write of nothing tells of the error that bufio keeps from any write before.
	if _, err := r.w.Write(nil); err != nil {
		return err
	}
	r.count++
	return nil
}

// Flush hands everything to the writer below.
func (r *Rows) Flush() error { return r.w.Flush() }

// ended hands everything over, and says how many rows there were since it was called last.
func (r *Rows) ended() (rows int64, err error) {
	rows = r.count - r.before
	r.before = r.count
	return rows, r.Flush()
}

// Count is the number of rows written.
func (r *Rows) Count() int64 { return r.count }

func writeTSV(r *Rows, key, value []byte) {
	r.w.Write(key)
	if !r.bare || len(value) > 0 {
		r.w.WriteByte('\t')
		r.w.Write(value)
	}
	r.w.WriteByte('\n')
}

func writeCSV(r *Rows, key, value []byte) {
	r.field(key)
	if !r.bare || len(value) > 0 {
		r.w.WriteByte(',')
		r.field(value)
	}
	r.w.WriteString("\r\n")
}

// raw is how rows are written whose key is a whole line: as it is, or, in a format that has columns, split at its first TAB, if it has one.
func raw(format Format, write func(r *Rows, key, value []byte)) func(r *Rows, key, value []byte) {
	return func(r *Rows, key, value []byte) {
		r.bare = true
		if len(value) == 0 && format != TSV {
			var split bool
			key, value, split = bytes.Cut(key, tab)
			r.bare = !split
		}
		write(r, key, value)
	}
}

var tab = []byte{'\t'}

// field writes a field of a CSV as Python's csv module does, which wrote the results that ours are compared with: an
// empty field or one with spaces at its border goes without quotes.
func (r *Rows) field(text []byte) {
	if !needsQuotes(text) {
		r.w.Write(text)
		return
	}
	r.w.WriteByte('"')
	for {
		i := bytes.IndexByte(text, '"')
		if i < 0 {
			break
		}
		r.w.Write(text[:i+1])
		r.w.WriteByte('"')
		text = text[i+1:]
	}
	r.w.Write(text)
	r.w.WriteByte('"')
}

func needsQuotes(text []byte) bool {
	for _, c := range text {
		if c == ',' || c == '"' || c == '\r' || c == '\n' {
			return true
		}
	}
	return false
}
