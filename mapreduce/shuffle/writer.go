package shuffle

import (
	"bytes"
	"cmp"
	"context"
	"fmt"

	"jetreduce/mapreduce"
)

// Writer writes one run of records that come in ascending order, and keeps none: what a Sorter does with one partition, and the same
// bytes and digest, for whoever has nothing to sort. It is an Output for one goroutine.
type Writer struct {
	ctx     context.Context // of the one attempt that it serves
	encoder *encoder
	last    []byte
	records int64
	err     error
}

// NewWriter begins the owner's run, in chunks of so many bytes (0: as a Sorter's). Push owns the chunks that it gets, in order.
func NewWriter(ctx context.Context, owner RunOwner, chunkSize int, push func(chunk []byte) error) (*Writer, error) {
	e, err := newEncoder(owner, min(cmp.Or(chunkSize, defaultChunk), MaxChunk), func(_ int, chunk []byte) error { return push(chunk) })
	if err != nil {
		return nil, err
	}
	e.begin(0)
	return &Writer{ctx: ctx, encoder: e}, nil
}

// Emit adds a record. Errors wait in Err; a key below the one before it is one, and permanent.
func (w *Writer) Emit(key, value []byte) {
	switch {
	case w.err != nil:
		return
	case w.records > 0 && bytes.Compare(key, w.last) < 0:
		w.err = mapreduce.Permanentf("key %.64q comes behind %.64q, in a run that is to be sorted", key, w.last)
		return
	}
	w.last = append(w.last[:0], key...)
	w.records++
	w.err = w.encoder.put(w.ctx, key, value)
}

// Records counts what was emitted.
func (w *Writer) Records() int64 { return w.records }

// Err is the first thing that went wrong; everything emitted after it was dropped.
func (w *Writer) Err() error { return w.err }

// End sends the last chunk. The digest is what a Sorter's Flush would give for the same records.
func (w *Writer) End() (mapreduce.Digest, error) {
	if w.err != nil {
		return 0, w.err
	}
	trailer, err := w.encoder.end(w.ctx)
	if err != nil {
		return 0, fmt.Errorf("end a run: %w", err)
	}
	var all digest
	all.add(trailer)
	return all.sum(), nil
}
