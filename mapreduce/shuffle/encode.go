package shuffle

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/klauspost/compress/s2"
	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
)

// encoder cuts one run after the other into chunks.
type encoder struct {
	owner string // task, length and attempt as they stand in every header
	size  int    // of an uncompressed body
	push  func(partition int, chunk []byte) error

	partition int
	seq       int
	raw       []byte // body of the chunk under way
	packed    []byte // scratch for s2
	records   int64
	bytes     int64
	digest    *xxh3.Hasher
	pays      bool // s2 shrank the run's first chunk
}

func newEncoder(owner RunOwner, size int, push func(int, []byte) error) (*encoder, error) {
	name := owner.Attempt.String()
	if _, err := mapreduce.ParseAttempt(name); err != nil {
		return nil, err
	}
	if owner.Task < 0 || owner.Task > math.MaxInt32 || len(name) > maxAttempt {
		return nil, errors.New("task number or attempt name out of range")
	}
	head := binary.AppendUvarint(nil, uint64(owner.Task))
	head = binary.AppendUvarint(head, uint64(len(name)))
	head = append(head, name...)
	return &encoder{owner: string(head), size: size, push: push, digest: xxh3.New()}, nil
}

// begin starts the partition's run.
func (e *encoder) begin(partition int) {
	e.partition, e.seq, e.records, e.bytes, e.pays = partition, 0, 0, 0, false
	e.raw = e.raw[:0]
	e.digest.Reset()
}

// put appends a record to the run.
func (e *encoder) put(ctx context.Context, key, value []byte) error {
	e.records++
	if len(e.raw)+len(key)+len(value)+2*binary.MaxVarintLen64 <= e.size {
		e.raw = appendRecord(e.raw, key, value)
		return nil
	}
	var head [binary.MaxVarintLen64]byte
	for _, field := range [2][]byte{key, value} {
		if err := e.write(ctx, head[:binary.PutUvarint(head[:], uint64(len(field)))]); err != nil {
			return err
		}
		if err := e.write(ctx, field); err != nil {
			return err
		}
	}
	return nil
}

// write appends bytes, and sends the chunk only when more come than it can hold: the last chunk must be known as such.
func (e *encoder) write(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		if len(e.raw) == e.size {
			if err := e.send(ctx, false); err != nil {
				return err
			}
		}
		n := min(len(p), e.size-len(e.raw))
		e.raw = append(e.raw, p[:n]...)
		p = p[n:]
	}
	return nil
}

// end sends the run's last chunk and says what the run holds.
func (e *encoder) end(ctx context.Context) (Trailer, error) {
	err := e.send(ctx, true)
	return e.trailer(), err
}

func (e *encoder) trailer() Trailer { return Trailer{e.records, e.bytes, e.digest.Sum64()} }

func (e *encoder) send(ctx context.Context, last bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, _ = e.digest.Write(e.raw) // never fails
	e.bytes += int64(len(e.raw))
	if err := e.push(e.partition, e.chunk(last)); err != nil {
		return fmt.Errorf("push chunk %d of partition %d: %w", e.seq, e.partition, err)
	}
	e.seq++
	e.raw = e.raw[:0]
	return nil
}

// chunk is freshly made: who gets it keeps it.
func (e *encoder) chunk(last bool) []byte {
	body, flags := e.pack()
	if last {
		flags |= flagLast
	}
	b := make([]byte, 0, len(e.owner)+len(body)+64)
	b = append(b, magic...)
	b = append(b, Version, flags)
	b = append(b, e.owner...)
	b = binary.AppendUvarint(b, uint64(e.seq))
	if last {
		t := e.trailer()
		b = binary.AppendUvarint(b, uint64(t.Records))
		b = binary.AppendUvarint(b, uint64(t.Bytes))
		b = binary.LittleEndian.AppendUint64(b, t.Digest)
	}
	b = binary.AppendUvarint(b, uint64(len(e.raw)))
	b = append(b, body...)
	return binary.LittleEndian.AppendUint64(b, xxh3.Hash(b))
}

// pack compresses the body where that saves an eighth or more. A run whose first chunk did not shrink is not tried again:
// random keys never do, and the attempt costs more than the copy.
func (e *encoder) pack() (body []byte, flags byte) {
	if e.seq > 0 && !e.pays {
		return e.raw, 0
	}
	if need := s2.MaxEncodedLen(len(e.raw)); cap(e.packed) < need {
		e.packed = make([]byte, need)
	}
	packed := s2.Encode(e.packed[:cap(e.packed)], e.raw)
	shrank := len(e.raw) > 0 && len(packed) <= len(e.raw)-len(e.raw)/8
	if e.seq == 0 {
		e.pays = shrank
	}
	if !shrank {
		return e.raw, 0
	}
	return packed, flagS2
}

func appendRecord(b, key, value []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(key)))
	b = append(b, key...)
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}
