package worker

import (
	"context"
	"encoding/binary"
	"errors"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/shuffle"
)

// rows takes the rows of a reduce, and publishes them as one run in the order asked for.
type rows interface {
	mapreduce.Output
	Err() error
	Records() int64
	// publish ends the rows, and waits until all are stored.
	publish() (mapreduce.Digest, error)
	close()
}

// rowsOf are the rows of an attempt; in no order (nil) as they are emitted. Those that come in order need no memory.
func (w *Worker) rowsOf(ctx context.Context, a *attempt, program mapreduce.Program, order *output.Order) (rows, error) {
	lane := a.task.LaneTo(mapreduce.Finish, 0)
	if order == nil || order.Bytes() && program.SameKey {
		push, flush := w.publisher(ctx, a)
		owner := shuffle.RunOwner{Task: a.task.ID.N, Attempt: a.id}
		writer, err := shuffle.NewWriter(ctx, owner, 0, func(chunk []byte) error { return push(lane, chunk) })
		ordered := orderedRows{writer, flush}
		if order == nil {
			return &emittedRows{orderedRows: ordered}, err
		}
		return &ordered, err
	}
	sorter := shuffle.NewSorter(shuffle.SorterConfig{Memory: w.slotMemory() / 2, Scratch: w.Scratch})
	return &sortedRows{sorter: sorter, order: order, send: func() (mapreduce.Digest, error) {
		return w.publish(ctx, a, sorter, func(int) mapreduce.Lane { return lane })
	}}, nil
}

// sortedRows are sorted in an order. It has no more of the sorter's ways to emit than its own, which writes the order's key.
type sortedRows struct {
	sorter *shuffle.Sorter
	order  *output.Order
	send   func() (mapreduce.Digest, error)
	key    []byte
}

func (r *sortedRows) Emit(key, value []byte) {
	r.key = r.order.AppendKey(r.key[:0], key)
	r.sorter.Emit(r.key, value)
}

func (r *sortedRows) Err() error     { return r.sorter.Err() }
func (r *sortedRows) Records() int64 { return r.sorter.Records() }

func (r *sortedRows) publish() (mapreduce.Digest, error) { return r.send() }
func (r *sortedRows) close()                             { _ = r.sorter.Close() }

// orderedRows come in the order of their keys.
type orderedRows struct {
	*shuffle.Writer
	flush func() error
}

func (r *orderedRows) publish() (mapreduce.Digest, error) {
	digest, err := r.End()
	return digest, errors.Join(err, r.flush())
}

func (r *orderedRows) close() {}

// emittedRows come in no order: all have the empty sort key, as those of mapRows in the order of the input, and so keep their places.
type emittedRows struct {
	orderedRows
	both []byte
}

func (r *emittedRows) Emit(key, value []byte) {
	r.both = appendRow(r.both[:0], key, value)
	r.orderedRows.Emit(nil, r.both)
}

// appendRow packs a row into one value.
func appendRow(dst, key, value []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(key)))
	return append(append(dst, key...), value...)
}

// cutRow unpacks what appendRow made.
func cutRow(both []byte) (key, value []byte, err error) {
	n, size := binary.Uvarint(both)
	if size <= 0 || n > uint64(len(both)-size) {
		return nil, nil, errors.New("a row that is cut short")
	}
	end := size + int(n)
	return both[size:end:end], both[end:], nil
}
