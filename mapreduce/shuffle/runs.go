package shuffle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/s2"
	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
)

// source is a run that is ready to be merged, and the memory that this takes.
type source struct {
	cost int64
	open func() stream
}

const (
	hasherSize   = 2 << 10 // about what reading a run takes besides its bodies
	mostReadSize = 64 << 10
)

// source makes the run readable. Its memory is that of its largest chunk, decoded, and as stored if that is to be read.
func (r *run) source(owner RunOwner, scratch *scratch) source {
	raw, stored := 0, 0
	for _, p := range r.chunks {
		if p.packed {
			raw = max(raw, p.raw)
		}
		if p.body == nil {
			stored = max(stored, p.stored)
		}
	}
	return source{int64(raw+stored) + hasherSize, func() stream {
		in := &runReader{owner: owner, pieces: r.chunks, trailer: r.trailer, scratch: scratch, digest: xxh3.New()}
		in.fill = in.decode
		return in
	}}
}

// runReader reads the records of a run out of its chunks, and checks them against the trailer.
//
// Each chunk's checksum was right when it arrived; the trailer's digest covers what happened since, in memory, on disk
// and in s2, and that the chunks belong together. It can only be compared at the end, when records have been given out:
// a consumer's work counts for nothing until the end came without an error.
type runReader struct {
	reader
	owner   RunOwner
	pieces  []piece
	trailer Trailer
	scratch *scratch
	bytes   int64
	digest  *xxh3.Hasher
	raw     []byte
	stored  []byte
}

func (r *runReader) next() (key, value []byte, err error) {
	key, value, err = r.reader.next()
	switch {
	case err == nil:
		return key, value, nil
	case err == io.EOF && r.records == r.trailer.Records:
		return nil, nil, io.EOF
	case err == io.EOF:
		err = fmt.Errorf("%d records, its trailer says %d: %w", r.records, r.trailer.Records, mapreduce.ErrRunsLost)
	case err == errMalformed || err == io.ErrUnexpectedEOF:
		err = fmt.Errorf("%w: %w", err, mapreduce.ErrRunsLost)
	}
	err = fmt.Errorf("read run of task %d, attempt %s: %w", r.owner.Task, r.owner.Attempt, err)
	if errors.Is(err, mapreduce.ErrRunsLost) {
		err = mapreduce.RunsLost{Tasks: []int{r.owner.Task}, Cause: err}
	}
	return nil, nil, err
}

// decode is the reader's fill.
func (r *runReader) decode() ([]byte, error) {
	if len(r.pieces) == 0 {
		return nil, r.verify()
	}
	p := r.pieces[0]
	r.pieces[0].body = nil // what has been read can go
	r.pieces = r.pieces[1:]
	body, err := r.load(p)
	if err != nil {
		return nil, err
	}
	if p.packed {
		r.raw = slices.Grow(r.raw[:0], p.raw)[:p.raw]
		if body, err = s2.Decode(r.raw, body); err != nil {
			return nil, fmt.Errorf("decode chunk %d: %w: %w", p.seq, err, mapreduce.ErrRunsLost)
		}
	}
	r.bytes += int64(len(body))
	_, _ = r.digest.Write(body) // never fails
	return body, nil
}

// load is the body as it was stored.
func (r *runReader) load(p piece) ([]byte, error) {
	if p.body != nil {
		return p.body, nil
	}
	r.stored = slices.Grow(r.stored[:0], p.stored)[:p.stored]
	return r.stored, r.scratch.read(r.stored, p.offset)
}

// verify compares with the trailer behind the last chunk.
func (r *runReader) verify() error {
	if r.bytes != r.trailer.Bytes || r.digest.Sum64() != r.trailer.Digest {
		return fmt.Errorf("%d bytes with digest %016x, its trailer says %d with %016x: %w",
			r.bytes, r.digest.Sum64(), r.trailer.Bytes, r.trailer.Digest, mapreduce.ErrRunsLost)
	}
	return io.EOF
}

// narrow merges neighbours into local runs until what is left can be merged within the memory. Neighbours, so that the
// values of a key keep their order.
//
//	tasks    0 1 2 │ 3 4 5 │ 6 7        as many as fit, but two at least
//	           0   │   1   │  2
func narrow(ctx context.Context, sources []source, memory int64, scratch *scratch) ([]source, error) {
	for {
		groups := group(sources, memory)
		if len(groups) <= 1 {
			return sources, nil
		}
		var fewer []source
		for _, g := range groups {
			if len(g) > 1 {
				made, err := join(ctx, g, memory, scratch)
				if err != nil {
					return nil, err
				}
				g = []source{made}
			}
			fewer = append(fewer, g...)
		}
		sources = fewer
	}
}

func group(sources []source, memory int64) [][]source {
	var groups [][]source
	for len(sources) > 0 {
		n, cost := 0, int64(0)
		for n < len(sources) && (n < 2 || cost+sources[n].cost <= memory) {
			cost += sources[n].cost
			n++
		}
		groups = append(groups, sources[:n])
		sources = sources[n:]
	}
	return groups
}

// join merges sources into one local run.
func join(ctx context.Context, sources []source, memory int64, scratch *scratch) (source, error) {
	t, err := newTree(open(sources))
	if err != nil {
		return source{}, err
	}
	size := min(max(memory/16, 4<<10), mostReadSize)
	out := &appender{scratch: scratch, buf: make([]byte, 0, size), alive: ctx.Err}
	from := out.offset()
	if err := drain(t, out.put); err != nil {
		return source{}, err
	}
	to := out.offset()
	return source{size, func() stream { return scratch.section(from, to, make([]byte, size)) }}, out.flush()
}

func open(sources []source) []stream {
	streams := make([]stream, len(sources))
	for i := range sources {
		streams[i] = sources[i].open()
	}
	return streams
}
