package input

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"jetreduce/mapreduce"
)

// ReadConfig says how a split is read. Its zero value works.
type ReadConfig struct {
	Reach

	Records   mapreduce.Records // what a record is, as when the job was planned
	BatchSize int               // bytes of a batch, at most, unless one record is longer; 0: 1 MiB
	MaxRecord int64             // bytes of a record without the LF that ends it, at most; 0: no bound
	Lenient   bool              // records are not looked into: who reads them asks Check, for each

	Progress func(bytes int64) // told how many bytes of the split have been read so far, as they are stored; may be nil
}

const (
	defaultBatch = 1 << 20
	leastBuffer  = 64 << 10 // tiny batches are cut from larger reads
	maxRead      = 4 << 20  // bytes of one read, so that a cancelled one ends soon
)

// Reader reads the records of one split. It is used by one goroutine.
//
// All pieces go through one buffer, which grows (by doubling) for a record that it cannot hold and is given back with the
// piece:
//
//	buffer  ┃ given out ┃ whole records ┃ more, and part of one ┃ free ┃
//	                    from            whole                   to
type Reader struct {
	cfg   ReadConfig
	rest  mapreduce.Split // pieces not yet opened
	piece *pieceReader    // the open one, or nil

	unpackers unpackers
	buffer    []byte
	least     int   // bytes of a buffer, however small the batches
	longest   int64 // bytes of the longest piece: no more is needed of the first buffer, which serves all
	from, to  int
	whole     int   // behind whole records, of which the first begins at from; from: not known to be any
	header    bool  // the next record names the columns
	offset    int64 // of buffer[from] in the source
	told      int64 // bytes of the source, as they are stored, that are in read
	read      int64 // bytes of the split
	err       error // what ended it
}

// Open starts to read a split. Nothing is opened before the first Next.
func Open(split mapreduce.Split, cfg ReadConfig) *Reader {
	if cfg.BatchSize <= 0 {
		cfg.BatchSize = defaultBatch
	}
	r := &Reader{cfg: cfg, rest: split, least: leastBuffer}
	r.cfg.Records, r.err = parse(cfg.Records)
	for _, piece := range split {
		if r.longest = max(r.longest, piece.Length); piece.Source.Whole || piece.Source.Codec != "" {
			r.longest = math.MaxInt64
		}
	}
	return r
}

// Next gives the next whole records of one source; the batch is valid until the next call. At the end of the split it gives
// io.EOF: only then the bytes of all batches are known to be those that were planned.
//
// It wraps mapreduce.ErrInputChanged when a source is not what it was. A record longer than MaxRecord is a permanent error, and so is a
// source that cannot be unpacked to its end. After an error there is nothing more to read, unless it was the context's.
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
	r.unpackers.close()
	if r.piece == nil {
		return nil
	}
	source := r.piece.source
	r.piece = nil
	return source.close()
}

// advance takes the steps that lead to a batch: open a piece, fill the buffer, give out records, finish the piece.
func (r *Reader) advance(ctx context.Context) (mapreduce.Batch, error) {
	for {
		if r.piece == nil {
			if err := r.open(ctx); err != nil {
				return mapreduce.Batch{}, err
			}
		}
		if err := r.look(); err != nil {
			return mapreduce.Batch{}, err
		}
		if r.from < r.whole {
			if batch, err := r.take(); err != nil || len(batch.Data) > 0 {
				return batch, err
			}
			continue
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
	return r.begin(piece)
}

// begin goes on with the next piece.
func (r *Reader) begin(piece *pieceReader) error {
	r.piece, r.rest = piece, r.rest[1:]
	r.from, r.whole, r.to, r.offset = 0, 0, 0, piece.next
	r.told = piece.next
	r.header = r.cfg.Records == mapreduce.CSVHeader && piece.next == 0
	if usual := max(r.cfg.BatchSize, r.least); len(r.buffer) > 4*usual {
		r.buffer = nil
	}
	if piece.poured != nil {
		return piece.poured.begin(&r.unpackers)
	}
	return checkFixed(piece.source.of, r.cfg.Records, piece.source.of.Size)
}

func (r *Reader) title() string { return r.piece.source.of.Title() }

// look finds whole records among what is buffered, if none are left of those that it has found: as many as BatchSize holds, or the first
// alone when it is longer.
func (r *Reader) look() error {
	if r.from < r.whole {
		return nil
	}
	data := r.buffer[r.from:r.to]
	within := min(len(data), r.cfg.BatchSize)
	n, done := 0, r.piece.done()
	if !done || within < len(data) {
		n = edge(r.cfg.Records, data, within)
	}
	if n == 0 && done {
		n = len(data)
		if err := r.checkLast(data); err != nil {
			return err
		}
	}
	r.whole = r.from + n
	return nil
}

// checkLast refuses the last bytes of a piece if no record ends with them.
func (r *Reader) checkLast(data []byte) error {
	if r.cfg.Records.IsCSV() && odd(data) {
		var open quotes
		open.scan(data, r.offset)
		return unclosed(r.piece.source.of, open.open)
	}
	return checkFixed(r.piece.source.of, r.cfg.Records, r.offset+int64(len(data)))
}

// take gives out records; an empty batch: there were none among the lines.
func (r *Reader) take() (mapreduce.Batch, error) {
	if err := r.checkFirst(r.buffer[r.from:r.to]); err != nil {
		return mapreduce.Batch{}, err
	}
	from, to, err := r.sift(r.buffer[r.from:r.whole])
	if err != nil {
		return mapreduce.Batch{}, err
	}
	batch := mapreduce.Batch{Source: r.title(), Offset: r.offset + int64(from), Records: r.cfg.Records}
	batch.Data = r.buffer[r.from+from : r.from+to : r.from+to]
	r.from += to
	r.offset += int64(to)
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
		r.progress()
	}
	return nil
}

// progress tells how much of the split has been read.
func (r *Reader) progress() {
	more := r.piece.taken() - r.told
	if r.told, r.read = r.told+more, r.read+more; more > 0 && r.cfg.Progress != nil {
		r.cfg.Progress(r.read)
	}
}

// makeRoom moves what is left, a part of one record, to the front, and makes the buffer larger when that fills it.
func (r *Reader) makeRoom() error {
	tail := r.buffer[r.from:r.to]
	if r.tooMany(len(tail)) {
		return r.tooLong(0)
	}
	into := r.buffer
	if len(tail) == len(r.buffer) {
		into = make([]byte, r.room(len(tail)))
	}
	r.from, r.whole, r.to, r.buffer = 0, 0, copy(into, tail), into
	return nil
}

// room is the size of the next buffer, for a record of which the first tail bytes are known: no larger than the pieces
// can fill or the bound on records lets it become.
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
	if len(r.rest) > 0 && r.rest[0].Source == r.piece.source.of && r.piece.source.content.Pour == nil {
		piece, err := r.piece.source.piece(r.rest[0])
		if err == nil {
			err = r.begin(piece)
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
