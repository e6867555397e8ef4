package input

import (
	"context"
	"errors"
	"io"
	"math"

	"jetreduce/mapreduce"
)

// pieceReader reads the bytes of one piece, exactly those.
type pieceReader struct {
	source    *planned
	next, end int64   // offsets in the source
	poured    *poured // instead of them; nil: a range
}

func openPiece(ctx context.Context, piece mapreduce.Piece, reach Reach) (*pieceReader, error) {
	source, err := openPlanned(ctx, piece.Source, reach)
	if err != nil {
		return nil, err
	}
	reader, err := source.piece(piece)
	if err != nil {
		return nil, errors.Join(err, source.close())
	}
	return reader, nil
}

// piece begins to read a piece of the source. A plan of ours has no range beyond its end, but this one came over the bus.
func (p *planned) piece(piece mapreduce.Piece) (*pieceReader, error) {
	if piece.Offset < 0 || piece.Length < 0 || piece.Offset > p.of.Size || piece.Length > p.of.Size-piece.Offset {
		return nil, mapreduce.Permanentf("input %s: no range of %d bytes at byte %d of %d", p.of.Title(), piece.Length, piece.Offset, p.of.Size)
	}
	if !p.pours() {
		return &pieceReader{source: p, next: piece.Offset, end: piece.Offset + piece.Length}, nil
	}
	if piece.Length != p.of.Size {
		return nil, mapreduce.Permanentf("input %s: can only be read whole, not %d bytes at byte %d of %d", p.of.Title(), piece.Length,
			piece.Offset, p.of.Size)
	}
	return &pieceReader{source: p, poured: &poured{source: p}}, nil
}

// left is how many bytes there are to read, at most.
func (p *pieceReader) left() int64 {
	if p.poured != nil {
		return math.MaxInt64 / 2
	}
	return p.end - p.next
}

func (p *pieceReader) done() bool {
	if p.poured != nil {
		return p.poured.ended
	}
	return p.next == p.end
}

// taken is how many bytes of the source were read, as they are stored.
func (p *pieceReader) taken() int64 {
	if p.poured != nil {
		return p.poured.read
	}
	return p.next
}

// read fills data, or what of it the piece has left; of a poured source less.
func (p *pieceReader) read(data []byte) (int, error) {
	if p.poured != nil {
		return p.poured.next(data)
	}
	data = data[:min(int64(len(data)), p.left())]
	n, err := p.source.ReadAt(data, p.next)
	p.next += int64(n)
	switch {
	case n == len(data):
		return n, nil
	case err == io.EOF:
		return n, p.source.truncated(p.next)
	}
	return n, err
}

// size writes a number of bytes in the largest unit that it is a whole number of.
func size(bytes int64) string {
	unit := 0
	for bytes >= 1024 && bytes%1024 == 0 && unit < 4 {
		bytes /= 1024
		unit++
	}
	return grouped(bytes) + " " + [...]string{"bytes", "KiB", "MiB", "GiB", "TiB"}[unit]
}
