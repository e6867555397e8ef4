package input

import (
	"bytes"
	"encoding/json"
	"fmt"

	"jetreduce/mapreduce"
)

// Check says why the bytes of a record are not what a record is; nil: they may be.
func Check(records mapreduce.Records, record []byte) error {
	if records != mapreduce.NDJSON || json.Valid(record) {
		return nil
	}
	var value json.RawMessage
	return fmt.Errorf("not one JSON value: %w", json.Unmarshal(record, &value))
}

// sift is what of some whole records is given out next: those from one place to another. Blank lines are no records, nor is a header.
func (r *Reader) sift(data []byte) (from, to int, err error) {
	switch records := r.cfg.Records; {
	case records.IsCSV() || records == mapreduce.NDJSON:
		return r.siftLines(data)
	case records == mapreduce.Lines:
		if at := overlong(data, r.cfg.MaxRecord); at >= 0 {
			return 0, 0, r.tooLong(int64(at))
		}
	case records == mapreduce.Whole && r.tooMany(len(data)), r.tooMany(records.Fixed()):
		return 0, 0, r.tooLong(0)
	}
	return 0, len(data), nil
}

// siftLines goes record by record up to a blank one, behind those at the beginning.
func (r *Reader) siftLines(data []byte) (from, to int, err error) {
	all := mapreduce.Batch{Data: data, Records: r.cfg.Records}
	for one := range all.Singles() {
		record := bytes.TrimSuffix(one.Data, []byte{'\n'})
		if at := r.stray(record); at >= 0 {
			return 0, 0, mapreduce.Permanentf("input %s: a quote at byte %d that does not begin or end a field: where rows end cannot be told: "+
				"double it and quote its field, or take lines for records", r.title(), r.offset+int64(to+at))
		}
		none := blank(r.cfg.Records, record)
		switch {
		case r.tooMany(len(record)):
			return 0, 0, r.tooLong(int64(to))
		case none && to > from:
			return from, to, nil
		case none || r.header:
			r.header = r.header && none
			from = to + len(one.Data)
		default:
			if err := r.check(record, int64(to)); err != nil {
				return 0, 0, err
			}
		}
		to += len(one.Data)
	}
	return from, to, nil
}

// stray is where a row of a CSV has a quote where none may be; -1: nowhere. Rows are cut by their quotes, so one that is astray glues two.
func (r *Reader) stray(row []byte) int {
	if !r.cfg.Records.IsCSV() || bytes.IndexByte(row, '"') < 0 {
		return -1
	}
	row = bytes.TrimSuffix(row, []byte{'\r'})
	for at := 0; at < len(row); at++ { // at the beginning of a field
		if row[at] == '"' {
			at = quotedEnd(row, at+1)
		}
		if i := bytes.IndexAny(row[at:], ",\""); i < 0 {
			return -1
		} else if at += i; row[at] == '"' {
			return at
		}
	}
	return -1
}

// quotedEnd is where what stands behind a quoted field begins: a place where a comma must be, or nothing. Another byte there is reported
// as the quote before it.
func quotedEnd(row []byte, at int) int {
	for {
		i := bytes.IndexByte(row[at:], '"')
		if i < 0 {
			return len(row)
		}
		if at += i + 1; at == len(row) || row[at] == ',' {
			return at
		}
		if row[at] != '"' {
			return at - 1
		}
		at++
	}
}

// blank reports whether a line is no record: one without a field, or one without a value.
func blank(records mapreduce.Records, line []byte) bool {
	if records == mapreduce.NDJSON {
		return len(bytes.Trim(line, " \t\r")) == 0
	}
	return len(line) == 0 || len(line) == 1 && line[0] == '\r'
}

// check refuses a record, which begins so many bytes behind what was given out.
func (r *Reader) check(record []byte, behind int64) error {
	if r.cfg.Lenient {
		return nil
	}
	if err := Check(r.cfg.Records, record); err != nil {
		return fmt.Errorf("input %s: record at byte %d: %w", r.title(), r.offset+behind, err)
	}
	return nil
}

// overlong is where the first line begins that has more than limit bytes before its LF; -1 when none has, or the limit is
// 0. It looks back from the farthest place where a line may end, so that it skips many short lines at once.
func overlong(data []byte, limit int64) int {
	if limit <= 0 {
		return -1
	}
	for at := 0; int64(len(data)-at) > limit; {
		reach := data[at:min(int64(len(data)), int64(at)+limit+1)]
		i := bytes.LastIndexByte(reach, '\n')
		if i < 0 {
			return at
		}
		at += i + 1
	}
	return -1
}

// tooMany reports whether a record has more bytes than it may.
func (r *Reader) tooMany(bytes int) bool {
	return r.cfg.MaxRecord > 0 && int64(bytes) > r.cfg.MaxRecord
}

// tooLong refuses the record that begins so many bytes behind what was given out.
func (r *Reader) tooLong(behind int64) error {
	switch records := r.cfg.Records; {
	case records == mapreduce.Whole:
		return mapreduce.Permanentf("input %s: is longer than %s, and is to be one record: give the job more --memory, or read it by lines",
			r.title(), size(r.cfg.MaxRecord))
	case records == mapreduce.Lines, records == mapreduce.NDJSON:
		return mapreduce.Permanentf("input %s: line at byte %d is longer than %s: give the job more --memory, or break the line",
			r.title(), r.offset+behind, size(r.cfg.MaxRecord))
	}
	return mapreduce.Permanentf("input %s: record at byte %d is longer than %s: give the job more --memory, or make the record smaller",
		r.title(), r.offset+behind, size(r.cfg.MaxRecord))
}
