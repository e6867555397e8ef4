package input

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"jetreduce/mapreduce"
)

// ReadConfig says how a split is read. Its zero value works.
type ReadConfig struct {
	Reach

	BatchSize int   // bytes of a batch, at most, unless one line is longer; 0: 1 MiB
	MaxRecord int64 // bytes of a line without its LF, at most; 0: no bound

	Progress func(bytes int64) // told how many bytes of the split have been read so far; may be nil
}

const (
	defaultBatch = 1 << 20
	leastBuffer  = 64 << 10 // tiny batches are cut from larger reads
	maxRead      = 4 << 20  // bytes of one read, so that a cancelled one ends soon
)

// Reader reads the records of one split. It is used by one goroutine.
//
// All pieces go through one buffer, which grows (by doubling) for a line that it cannot hold and is given back with the
// piece:
//
//	buffer  ┃ given out ┃ whole lines … part of one ┃ free ┃
//	                    from                        to
type Reader struct {
	cfg   ReadConfig
	rest  mapreduce.Split // pieces not yet opened
	piece *pieceReader    // the open one, or nil

	buffer   []byte
	least    int   // bytes of a buffer, however small the batches
	longest  int64 // bytes of the longest piece: no more is needed of the first buffer, which serves all
	from, to int
	offset   int64 // of buffer[from] in the source
	read     int64 // bytes of the split
	err      error // what ended it
}

// Open starts to read a split. Nothing is opened before the first Next.
func Open(split mapreduce.Split, cfg ReadConfig) *Reader {
	if cfg.BatchSize <= 0 {
		cfg.BatchSize = defaultBatch
	}
	r := &Reader{cfg: cfg, rest: split, least: leastBuffer}
	for _, piece := range split {
		r.longest = max(r.longest, piece.Length)
	}
	return r
}

// Next gives the next whole lines of one source; the batch is valid until the next call. At the end of the split it gives
// io.EOF: only then the bytes of all batches are known to be those that were planned.
//
// It wraps mapreduce.ErrInputChanged when a source is not what it was. A line longer than MaxRecord is a permanent error.
// After an error there is nothing more to read, unless it was the context's.
func (r *Reader) Next(ctx context.Context) (mapreduce.Batch, error) {
	if err := ctx.Err(); err != nil {
		return mapreduce.Batch{}, err
	}
	if r.err != nil {
		return mapreduce.Batch{}, r.err
	}
	batch, err := r.advance(ctx)
	if err != nil && !errors.Is(err, ctx.Err()) {
		r.err = err
	}
	return batch, err
}

// Close gives back what is open; Next fails from then on. It may be called again.
func (r *Reader) Close() error {
	if r.err == nil {
		r.err = fmt.Errorf("read a split: %w", os.ErrClosed)
	}
	r.buffer, r.rest = nil, nil
	if r.piece == nil {
		return nil
	}
	source := r.piece.source
	r.piece = nil
	return source.close()
}

// advance takes the steps that lead to a batch: open a piece, fill the buffer, give out lines, finish the piece.
func (r *Reader) advance(ctx context.Context) (mapreduce.Batch, error) {
	for {
		if r.piece == nil {
			if err := r.open(ctx); err != nil {
				return mapreduce.Batch{}, err
			}
		}
		if n := r.whole(); n > 0 {
			return r.take(n)
		}
		step := func() error { return r.fill(ctx) }
		if r.piece.done() {
			step = r.finish
		}
		if err := step(); err != nil {
			return mapreduce.Batch{}, err
		}
	}
}

func (r *Reader) open(ctx context.Context) error {
	if len(r.rest) == 0 {
		return io.EOF
	}
	piece, err := openPiece(ctx, r.rest[0], r.cfg.Reach)
	if err != nil {
		return err
	}
	r.begin(piece)
	return nil
}

// begin goes on with the next piece.
func (r *Reader) begin(piece *pieceReader) {
	r.piece, r.rest = piece, r.rest[1:]
	r.from, r.to, r.offset = 0, 0, piece.next
	if usual := max(r.cfg.BatchSize, r.least); len(r.buffer) > 4*usual {
		r.buffer = nil
	}
}

// whole is how many of the buffered bytes make the next batch: as many lines as BatchSize holds, or the first alone when
// it is longer; 0 when more must be read to know.
func (r *Reader) whole() int {
	data := r.buffer[r.from:r.to]
	head := data[:min(len(data), r.cfg.BatchSize)]
	if len(head) == len(data) && r.piece.done() {
		return len(data)
	}
	if i := bytes.LastIndexByte(head, '\n'); i >= 0 {
		return i + 1
	}
	if i := bytes.IndexByte(data[len(head):], '\n'); i >= 0 {
		return len(head) + i + 1
	}
	if r.piece.done() {
		return len(data)
	}
	return 0
}

func (r *Reader) take(n int) (mapreduce.Batch, error) {
	end := r.from + n
	batch := mapreduce.Batch{Source: r.piece.source.of.Name, Offset: r.offset, Data: r.buffer[r.from:end:end]}
	if at := overlong(batch.Data, r.cfg.MaxRecord); at >= 0 {
		return mapreduce.Batch{}, r.tooLong(int64(at))
	}
	r.from = end
	r.offset += int64(n)
	return batch, nil
}

// fill reads until the buffer is full or the piece ends.
func (r *Reader) fill(ctx context.Context) error {
	if err := r.makeRoom(); err != nil {
		return err
	}
	for r.to < len(r.buffer) && !r.piece.done() {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.piece.read(r.buffer[r.to:min(len(r.buffer), r.to+maxRead)])
		if err != nil {
			return err
		}
		r.to += n
		r.read += int64(n)
		if r.cfg.Progress != nil {
			r.cfg.Progress(r.read)
		}
	}
	return nil
}

// makeRoom moves what is left, a part of one line, to the front, and makes the buffer larger when that fills it.
func (r *Reader) makeRoom() error {
	tail := r.buffer[r.from:r.to]
	if r.cfg.MaxRecord > 0 && int64(len(tail)) > r.cfg.MaxRecord {
		return r.tooLong(0)
	}
	into := r.buffer
	if len(tail) == len(r.buffer) {
		into = make([]byte, r.room(len(tail)))
	}
	r.from, r.to, r.buffer = 0, copy(into, tail), into
	return nil
}

// room is the size of the next buffer, for a line of which the first tail bytes are known: no larger than the pieces can
// fill or the bound on lines lets it become.
func (r *Reader) room(tail int) int {
	size := int64(max(2*tail, r.cfg.BatchSize, r.least))
	if tail == 0 {
		return int(min(size, r.longest))
	}
	size = min(size, int64(tail)+r.piece.left())
	if r.cfg.MaxRecord > 0 {
		size = min(size-1, r.cfg.MaxRecord) + 1
	}
	return int(size)
}

// finish ends a piece whose bytes have all been given out. Before a source is closed it must be what it was; the splits of a pack
// share theirs.
func (r *Reader) finish() error {
	if len(r.rest) > 0 && r.rest[0].Source == r.piece.source.of {
		piece, err := r.piece.source.piece(r.rest[0])
		if err == nil {
			r.begin(piece)
		}
		return err
	}
	if err := r.piece.source.verify(); err != nil {
		return err
	}
	source := r.piece.source
	r.piece = nil
	return source.close()
}

// tooLong refuses the line that begins so many bytes behind what was given out.
func (r *Reader) tooLong(behind int64) error {
	return mapreduce.Permanentf("input %s: line at byte %d is longer than %s: give the job more --memory, or break the line",
		r.piece.source.of.Name, r.offset+behind, size(r.cfg.MaxRecord))
}
