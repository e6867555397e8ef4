package input

import (
	"bytes"
	"context"
	"io"

	"jetreduce/mapreduce"
)

// borders finds record borders in one source. It reads only around the offsets that it is asked for, and asked for
// ascending ones it reads no block twice.
//
//	…line⏎line li|ne⏎line…      asked for the border at | it finds ^
//	                 ^
type borders struct {
	source *planned
	file   io.ReaderAt // the source's
	block  []byte      // reused
	window []byte      // the part of block that holds bytes of the source
	start  int64       // offset of the window in the source
}

const blockSize = 64 << 10

// from is the first record border at or behind an offset of 1 or more: the offset itself when a record ends there, else
// just behind the next LF, at last the end of the source.
func (b *borders) from(ctx context.Context, offset int64) (int64, error) {
	for at := offset - 1; at < b.source.of.Size; {
		data, err := b.at(ctx, at)
		if err != nil {
			return 0, err
		}
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			return at + int64(i) + 1, nil
		}
		at += int64(len(data))
	}
	return b.source.of.Size, nil
}

// at gives some of the bytes from an offset on, at least one.
func (b *borders) at(ctx context.Context, offset int64) ([]byte, error) {
	if in := offset - b.start; in >= 0 && in < int64(len(b.window)) {
		return b.window[in:], nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	want := b.block[:min(int64(len(b.block)), b.source.of.Size-offset)]
	if n, err := b.file.ReadAt(want, offset); n < len(want) {
		return nil, err
	}
	b.window, b.start = want, offset
	return want, nil
}

// bordersOf is what finds the first border of records in a source at or behind an offset of 1 or more. The block is for it to use.
func bordersOf(source *planned, records mapreduce.Records, block []byte) func(context.Context, int64) (int64, error) {
	b := borders{source: source, file: source, block: block}
	if each := int64(records.Fixed()); each > 0 {
		return func(_ context.Context, offset int64) (int64, error) { return offset + (each-offset%each)%each, nil }
	}
	if records.IsCSV() {
		return (&rowBorders{borders: b}).from
	}
	return b.from
}

// cutter gives the ranges of a source that splits of whole records own.
type cutter struct {
	end    int64 // of the source
	size   int64 // bytes a split holds about
	border func(ctx context.Context, offset int64) (int64, error)
}

// cut emits them in order.
func (c *cutter) cut(ctx context.Context, emit func(offset, length int64) error) error {
	for offset := int64(0); offset < c.end; {
		border := c.end
		// The nominal cut is the next multiple of size; written so that no sum can overflow.
		if nominal := offset - offset%c.size; c.size < c.end-nominal {
			var err error
			if border, err = c.border(ctx, nominal+c.size); err != nil {
				return err
			}
		}
		if err := emit(offset, border-offset); err != nil {
			return err
		}
		offset = border
	}
	return nil
}
