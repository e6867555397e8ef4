package input

import (
	"context"
	"io"

	"jetreduce/mapreduce"
)

// cutBlobs gives the ranges of a source that splits of so many whole blobs own, in order. It reads all of it: where a blob ends
// is known only to who has counted from the beginning.
func cutBlobs(ctx context.Context, source *planned, characters int, emit func(offset, length int64) error) error {
	var text []byte // from begun on, as far as it has been read
	perSplit, begun := mapreduce.BlobsOfSplit(characters), int64(0)
	for begun < source.size {
		end, blobs := 0, 0
		for blobs < perSplit {
			n := mapreduce.BlobEnd(text[end:], characters, begun+int64(len(text)) == source.size)
			if n > 0 {
				end, blobs = end+n, blobs+1
				continue
			}
			if begun+int64(end) == source.size {
				break
			}
			var err error
			if text, err = more(ctx, source, text, begun); err != nil {
				return err
			}
		}
		if err := emit(begun, int64(end)); err != nil {
			return err
		}
		begun, text = begun+int64(end), text[:copy(text, text[end:])]
	}
	return nil
}

// more reads on behind a text: a block, or as much as is there already, so that a blob that does not end is not looked through
// again and again.
func more(ctx context.Context, source *planned, text []byte, begun int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	at := begun + int64(len(text))
	fresh := make([]byte, min(max(blockSize, int64(len(text))), source.size-at))
	n, err := source.ReadAt(fresh, at)
	if n == len(fresh) {
		return append(text, fresh...), nil
	}
	if err == io.EOF {
		err = source.truncated(at + int64(n))
	}
	return nil, err
}
