package input

import (
	"context"
	"io"

	"jetreduce/mapreduce"
)

// blobs finds splits of whole blobs. It reads all of the source: where a blob ends is known only to who has counted from the
// beginning.
type blobs struct {
	source  *planned
	counter mapreduce.BlobCounter
	block   []byte // reused
	left    []byte // the part of block that is not counted yet
	read    int64  // bytes of the source
}

// cutBlobs gives the ranges of a source that splits of whole blobs own, in order.
func cutBlobs(ctx context.Context, source *planned, block []byte, characters int, emit func(offset, length int64) error) error {
	b := blobs{source: source, counter: mapreduce.BlobCounter{Characters: characters}, block: block}
	for offset := int64(0); offset < source.of.Size; {
		length := int64(0)
		for range mapreduce.BlobsOfSplit(characters, source.of.Size) {
			n, err := b.next(ctx)
			if err != nil {
				return err
			}
			length += n
		}
		if err := emit(offset, length); err != nil {
			return err
		}
		offset += length
	}
	return nil
}

// next is the length of the next blob; 0: there is none.
func (b *blobs) next(ctx context.Context) (length int64, err error) {
	for {
		n, ends := b.counter.Count(b.left, b.read == b.source.of.Size)
		length, b.left = length+int64(n), b.left[n:]
		if ends || b.read == b.source.of.Size {
			return length, nil
		}
		if err := b.more(ctx); err != nil {
			return 0, err
		}
	}
}

// more reads the next block behind what is left of the last, a part of a character.
func (b *blobs) more(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	kept := copy(b.block, b.left)
	want := b.block[kept:min(int64(len(b.block)), int64(kept)+b.source.of.Size-b.read)]
	n, err := b.source.ReadAt(want, b.read)
	b.read += int64(n)
	b.left = b.block[:kept+n]
	if n == len(want) {
		return nil
	}
	if err == io.EOF {
		err = b.source.truncated(b.read)
	}
	return err
}
