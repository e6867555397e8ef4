package input

import (
	"bytes"
	"context"
)

// rowBorders finds borders of CSV rows in one source. Whether an LF is between quotes is known only to who has counted them from the
// beginning: asked for ascending offsets it reads all that is before the last one, once.
type rowBorders struct {
	borders
	last   int64 // border that it gave
	at     int64 // quotes are counted up to here
	inside bool
}

// from is the first border at or behind an offset that is behind the last one. The first is behind a row that is not empty, so that
// a header is in the same piece as the beginning of the source.
func (b *rowBorders) from(ctx context.Context, offset int64) (int64, error) {
	if b.last == 0 {
		begin, err := b.begin(ctx)
		if err != nil {
			return 0, err
		}
		offset = max(offset, begin+1)
	}
	for b.at < b.source.of.Size {
		data, err := b.borders.at(ctx, b.at)
		if err != nil {
			return 0, err
		}
		if before := offset - 1 - b.at; before > 0 {
			b.count(data[:min(int64(len(data)), before)])
		} else if b.ends(data) {
			return b.last, nil
		}
	}
	if b.inside {
		return 0, b.unclosed(ctx)
	}
	return b.source.of.Size, nil
}

// ends goes to the border that is in the bytes that come next, or behind them.
func (b *rowBorders) ends(data []byte) bool {
	end, inside := rowEnd(data, b.inside)
	if b.inside = inside; end == 0 {
		b.at += int64(len(data))
		return false
	}
	b.at += int64(end)
	b.last = b.at
	return true
}

// begin is where the empty lines end that the source begins with, if it does.
func (b *rowBorders) begin(ctx context.Context) (int64, error) {
	for at := int64(0); at < b.source.of.Size; {
		data, err := b.borders.at(ctx, at)
		if err != nil {
			return 0, err
		}
		if text := bytes.TrimLeft(data, "\r\n"); len(text) > 0 {
			return at + int64(len(data)-len(text)), nil
		}
		at += int64(len(data))
	}
	return b.source.of.Size, nil
}

func (b *rowBorders) count(data []byte) {
	b.inside = b.inside != odd(data)
	b.at += int64(len(data))
}

// unclosed tells where the quotes begin that the end of the source is inside of.
func (b *rowBorders) unclosed(ctx context.Context) error {
	var open quotes
	for at := b.last; at < b.source.of.Size; {
		data, err := b.borders.at(ctx, at)
		if err != nil {
			return err
		}
		open.scan(data, at)
		at += int64(len(data))
	}
	return unclosed(b.source.of, open.open)
}
