package input

import (
	"bytes"
	"context"
	"errors"
	"io"

	"jetreduce/mapreduce"
)

// pieceReader reads the bytes of one piece, exactly those.
type pieceReader struct {
	source    *planned
	next, end int64 // offsets in the source
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
		return nil, mapreduce.Permanentf("input %s: no range of %d bytes at byte %d of %d", p.of.Name, piece.Length, piece.Offset, p.of.Size)
	}
	return &pieceReader{p, piece.Offset, piece.Offset + piece.Length}, nil
}

func (p *pieceReader) left() int64 { return p.end - p.next }
func (p *pieceReader) done() bool  { return p.next == p.end }

// read fills data, or what of it the piece has left.
func (p *pieceReader) read(data []byte) (int, error) {
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

// size writes a number of bytes in the largest unit that it is a whole number of.
func size(bytes int64) string {
	unit := 0
	for bytes >= 1024 && bytes%1024 == 0 && unit < 4 {
		bytes /= 1024
		unit++
	}
	return grouped(bytes) + " " + [...]string{"bytes", "KiB", "MiB", "GiB", "TiB"}[unit]
}
