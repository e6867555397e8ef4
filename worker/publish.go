package worker

import (
	"context"
	"errors"
	"io"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// result is a finish task's output in the making: an *output.Draft or *output.Parts.
type result interface {
	Digest() mapreduce.Digest
	Size() int64
	Discard() error
}

// draft begins a finish task's output, and returns how it is published: a file or a directory beside its target, where it only
// gets its name; what goes to the bus in the scratch directory, from where it is copied. What the target cannot take is refused
// before the work is done.
func (w *Worker) draft(ctx context.Context, a *attempt) (draft result, publish func() error, err error) {
	target := *a.task.Target
	switch kind := target.Kind(); {
	case w.tabular(target):
		return w.tableDraft(ctx, a)
	case kind == mapreduce.ToDir:
		return w.partsDraft(a)
	case kind == mapreduce.ToObject && w.Results != nil:
		return w.objectDraft(ctx, a)
	}
	file, err := output.NewDraftUnder(w.Root, target)
	return file, file.Publish, err
}

// objectDraft is draft for an object of the bus.
func (w *Worker) objectDraft(ctx context.Context, a *attempt) (draft *output.Draft, publish func() error, err error) {
	target, uid := *a.task.Target, a.task.ID.UID
	if err := w.Results.Check(ctx, uid, target); err != nil {
		return nil, nil, err
	}
	draft, err = output.NewScratchDraft(w.Scratch)
	return draft, func() error {
		return w.Results.Publish(ctx, uid, target, draft, draft.Size(), draft.Digest())
	}, err
}

// fileRows are rows in a file, compressed if the target says so.
type fileRows struct {
	*output.Rows
	packed io.Closer
}

func newFileRows(file io.Writer, target mapreduce.Target, program mapreduce.Program) (*fileRows, error) {
	format, err := output.ParseFormat(target.Format)
	if err != nil {
		return nil, err
	}
	codec, err := target.Packing()
	if err != nil {
		return nil, err
	}
	packed, err := output.Pack(file, codec)
	if err != nil {
		return nil, err
	}
	return &fileRows{output.NewRows(packed, format, program), packed}, nil
}

// Flush ends the file.
func (r *fileRows) Flush() error { return errors.Join(r.Rows.Flush(), r.packed.Close()) }

// topRows are those rows of all with the largest values.
type topRows struct {
	rowWriter
	*output.Top
}

func (r *topRows) Row(key, value []byte) error { return r.Top.Row(key, value) }

// Flush writes the rows, once all have been seen.
func (r *topRows) Flush() error {
	if err := r.Rows(r.rowWriter.Row); err != nil {
		return err
	}
	return r.rowWriter.Flush()
}
