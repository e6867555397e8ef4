package programs

import (
	"bytes"
	"context"
	"iter"

	"jetreduce/mapreduce"
)

// pairing is the reducer of join: each left record of a key with each right one.
type pairing struct {
	kind string
	most int // bytes of left records

	left  [][]byte
	bytes int
	key   []byte
	row   []byte
}

func (r *pairing) Reduce(_ context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	r.key = mapreduce.AppendGroupKey(r.key[:0], key)
	r.left, r.bytes = r.left[:0], 0
	rights := false
	for value := range values {
		if value[0] == leftSide {
			if err := r.keep(value[1:]); err != nil {
				return err
			}
			continue
		}
		rights = true
		r.pass(value[1:], out)
	}
	if !rights && (r.kind == "left" || r.kind == "outer") {
		for _, left := range r.left {
			r.emit(left, nil, out)
		}
	}
	return nil
}

// keep keeps a left record.
func (r *pairing) keep(left []byte) error {
	if r.bytes += len(left) + 24; r.bytes > r.most {
		return mapreduce.Permanentf("the left records of key %.100q have more than %d MiB, and are kept in memory: name the other inputs as left",
			r.key, r.most>>20)
	}
	r.left = append(r.left, bytes.Clone(left))
	return nil
}

// pass lets a right record pass by the left ones.
func (r *pairing) pass(right []byte, out mapreduce.Output) {
	for _, left := range r.left {
		r.emit(left, right, out)
	}
	if len(r.left) == 0 && (r.kind == "right" || r.kind == "outer") {
		r.emit(nil, right, out)
	}
}

func (r *pairing) emit(left, right []byte, out mapreduce.Output) {
	r.row = append(append(append(r.row[:0], left...), '\t'), right...)
	out.Emit(r.key, r.row)
}
