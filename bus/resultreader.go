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

// Fetch opens the result of a submission. What is read is checked against its digest, at the end. It is read by gets: a consumer, which
// the client's object store makes, needs a permission that no client should have.
func (r *Results) Fetch(ctx context.Context, uid mapreduce.UID, target mapreduce.Target) (io.ReadCloser, error) {
	at, err := r.bus.names.resultPlace(target, uid)
	if err != nil {
		return nil, err
	}
	found, err := r.open(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("fetch result %s: %w", at.name, err)
	}
	return found, nil
}

// open opens a result, and refuses a link, which would lead to whatever somebody else has put there.
func (r *Results) open(ctx context.Context, at place) (io.ReadCloser, error) {
	found, err := r.bus.stands(ctx, at)
	switch {
	case err != nil:
		return nil, err
	case !found.live():
		return nil, mapreduce.Permanent(errGone)
	case found.link() != nil:
		return nil, mapreduce.Permanentf("a link to %s in bucket %s took its place", found.link().Name, found.link().Bucket)
	}
	of, err := r.bus.history(ctx, at.stream())
	if err != nil {
		return nil, err
	}
	s := span{stream: at.stream(), filters: []string{objectChunks(at.bucket, found.info.NUID)}, first: 1, last: math.MaxUint64,
		count: uint64(found.info.Chunks), gets: true}
	return &resultReader{ctx: ctx, info: found.info, walk: r.bus.walk(s, of), sum: sha256.New()}, nil
}

// resultReader reads an object from its beginning to its end. It is used by one goroutine.
type resultReader struct {
	ctx    context.Context
	info   jetstream.ObjectInfo
	walk   *walk
	chunks []stored
	sum    hash.Hash
	read   uint64 // bytes
}

// Read gives the result's bytes; io.EOF only when they are those of its digest.
func (r *resultReader) Read(data []byte) (n int, err error) {
	for len(r.chunks) == 0 {
		if r.chunks, err = r.walk.more(r.ctx); err != nil {
			return 0, r.end(err)
		}
	}
	chunk := &r.chunks[0]
	n = copy(data, chunk.data)
	if chunk.data = chunk.data[n:]; len(chunk.data) == 0 {
		r.chunks = r.chunks[1:]
	}
	_, _ = r.sum.Write(data[:n])
	r.read += uint64(n)
	return n, nil
}

func (r *resultReader) end(err error) error {
	switch {
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("fetch result %s at byte %d: %w", r.info.Name, r.read, err)
	case r.read == r.info.Size && jetstream.GetObjectDigestValue(r.sum) == r.info.Digest:
		return io.EOF
	}
	return mapreduce.Permanentf("result %s is damaged: %d of %d bytes are there, of digest %s, want %s: run the job again",
		r.info.Name, r.read, r.info.Size, jetstream.GetObjectDigestValue(r.sum), r.info.Digest)
}

// Close ends reading.
func (r *resultReader) Close() error {
	r.walk.close()
	return nil
}
