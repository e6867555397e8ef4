package bus

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// objectRead reads an object from its beginning to its end, by gets: a consumer, which an object store of the client library makes, needs
// a permission that no client should have. It is used by one goroutine.
type objectRead struct {
	ctx    context.Context
	info   jetstream.ObjectInfo
	walk   *walk
	chunks []stored
	sum    hash.Hash
	read   uint64 // bytes
	err    error
}

// errDamaged: an object's chunks are not those that its description says.
var errDamaged = errors.New("it is damaged")

// readObject opens the object that stands at a place.
func (b *Bus) readObject(ctx context.Context, at place, info jetstream.ObjectInfo) (*objectRead, error) {
	of, err := b.history(ctx, at.stream())
	if err != nil {
		return nil, err
	}
	chunks := span{stream: at.stream(), filters: []string{objectChunks(at.bucket, info.NUID)}, first: 1, last: math.MaxUint64,
		count: uint64(info.Chunks), gets: true}
	return &objectRead{ctx: ctx, info: info, walk: b.walk(chunks, of), sum: sha256.New()}, nil
}

// Read gives the object's bytes; io.EOF only when they are those of its digest.
func (o *objectRead) Read(data []byte) (int, error) {
	for len(o.chunks) == 0 {
		if o.err != nil {
			return 0, o.err
		}
		if o.chunks, o.err = o.walk.more(o.ctx); o.err != nil {
			o.err = o.end(o.err)
		}
	}
	chunk := &o.chunks[0]
	n := copy(data, chunk.data)
	if chunk.data = chunk.data[n:]; len(chunk.data) == 0 {
		o.chunks = o.chunks[1:]
	}
	_, _ = o.sum.Write(data[:n])
	o.read += uint64(n)
	return n, nil
}

func (o *objectRead) end(err error) error {
	digest := jetstream.GetObjectDigestValue(o.sum)
	switch {
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("at byte %d: %w", o.read, err)
	case o.read == o.info.Size && digest == o.info.Digest:
		return io.EOF
	}
	return mapreduce.Permanent(fmt.Errorf("%w: %d of %d bytes are there, of digest %s, want %s",
		errDamaged, o.read, o.info.Size, digest, o.info.Digest))
}

// Close ends reading.
func (o *objectRead) Close() error {
	o.walk.close()
	o.chunks, o.err = nil, io.ErrClosedPipe
	return nil
}
