package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// rowWriter takes the rows of a result, in order.
type rowWriter interface {
	Row(key, value []byte) error
	// Flush hands everything to the writer below.
	Flush() error
	Count() int64
}

// tabular reports whether a result is rows that go to a bucket or a stream, one by one.
func (w *Worker) tabular(target mapreduce.Target) bool {
	kind := target.Kind()
	return w.Tables != nil && (kind == mapreduce.ToBucket || kind == mapreduce.ToStream)
}

// tableDraft is draft for such a result: its rows wait in the scratch directory until the job is decided.
func (w *Worker) tableDraft(ctx context.Context, a *attempt) (draft *output.Draft, publish func() error, err error) {
	if err := w.Tables.Vacant(ctx, a.task.ID.UID, *a.task.Target); err != nil {
		return nil, nil, err
	}
	draft, err = output.NewScratchDraft(w.Scratch)
	return draft, func() error {
		note, err := w.Tables.Publish(ctx, *a.table, a.mark)
		if note != "" {
			w.Log.Warn(note, "job", a.task.Job, "output", a.task.Target.To)
		}
		return err
	}, err
}

// vouch makes sure, before the decision, that the rows of a table can be published after it, and notes what publishing goes by.
func (w *Worker) vouch(ctx context.Context, a *attempt, draft *output.Draft, rows int64) (err error) {
	if !w.tabular(*a.task.Target) {
		return nil
	}
	a.table = &mapreduce.Table{
		Job: a.task.Job, UID: a.task.ID.UID, Target: *a.task.Target, Count: rows,
		Rows: func(yield func(key, value []byte) error) error {
			return readRows(io.NewSectionReader(draft, 0, draft.Size()), yield)
		},
	}
	a.mark, err = w.Tables.Check(ctx, *a.table)
	return err
}

// tableRows writes rows one behind the other, each with its lengths.
type tableRows struct {
	w     *bufio.Writer
	count int64
	json  *output.Rows // nil: values go as they are
	whole bool         // a row that is all key is its own value
	line  *bytes.Buffer
	sizes []byte
}

// newTableRows makes the writer for a target: with ?as=json a value becomes the line that ndjson would have.
func newTableRows(w io.Writer, target mapreduce.Target, program mapreduce.Program) (*tableRows, error) {
	rows := &tableRows{w: bufio.NewWriter(w)}
	_, options, err := target.Named()
	rows.whole = (program.Raw || program.Bare) && target.Kind() == mapreduce.ToStream
	if err == nil && options.Get("as") == "json" {
		rows.line = &bytes.Buffer{}
		rows.json = output.NewRows(rows.line, output.NDJSON, program)
	}
	return rows, err
}

func (r *tableRows) Row(key, value []byte) error {
	switch {
	case r.json == nil && r.whole && len(value) == 0: // a message without a word is of use to nobody
		value = key
	case r.json != nil:
		r.line.Reset()
		if err := errors.Join(r.json.Row(key, value), r.json.Flush()); err != nil {
			return err
		}
		value = bytes.TrimSuffix(r.line.Bytes(), []byte("\n"))
	}
	r.sizes = binary.AppendUvarint(binary.AppendUvarint(r.sizes[:0], uint64(len(key))), uint64(len(value)))
	for _, part := range [][]byte{r.sizes, key, value} {
		if _, err := r.w.Write(part); err != nil {
			return err
		}
	}
	r.count++
	return nil
}

func (r *tableRows) Flush() error { return r.w.Flush() }
func (r *tableRows) Count() int64 { return r.count }

// readRows reads what tableRows wrote.
func readRows(from io.Reader, yield func(key, value []byte) error) error {
	r, row := bufio.NewReader(from), []byte(nil)
	for {
		key, err := binary.ReadUvarint(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		value, fault := binary.ReadUvarint(r)
		if err = errors.Join(err, fault); err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		if size := int(key + value); size > cap(row) {
			row = make([]byte, size)
		}
		row = row[:key+value]
		if _, err := io.ReadFull(r, row); err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		if err := yield(row[:key:key], row[key:]); err != nil {
			return err
		}
	}
}
