package shuffle

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// A writer of sorted records leaves what a sorter leaves: the same chunks, the same digest.
func TestWriterWritesWhatASorterWould(t *testing.T) {
	owner := RunOwner{Task: 3, Attempt: mapreduce.Attempt{Worker: "w", N: 1}}
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.SliceOfN(rapid.ByteRange('a', 'c'), 0, 4), 0, 60).Draw(t, "keys")
		slices.SortFunc(keys, bytes.Compare)
		size := rapid.IntRange(1, 90).Draw(t, "chunk")
		var sorted, written [][]byte
		take := func(into *[][]byte) func(chunk []byte) error {
			return func(chunk []byte) error { *into = append(*into, chunk); return nil }
		}
		sorter := NewSorter(SorterConfig{ChunkSize: size})
		defer sorter.Close()
		writer, err := NewWriter(context.Background(), owner, size, take(&written))
		if err != nil {
			t.Fatal(err)
		}
		for i, key := range keys {
			sorter.Emit(key, []byte{byte(i)})
			writer.Emit(key, []byte{byte(i)})
		}
		keep := take(&sorted)
		want, err1 := sorter.Flush(context.Background(), owner, func(_ int, chunk []byte) error { return keep(chunk) })
		got, err2 := writer.End()
		if err := errors.Join(err1, err2); err != nil || got != want || writer.Records() != int64(len(keys)) {
			t.Fatalf("digest %x of %d records, the sorter's is %x: %v", got, writer.Records(), want, err)
		}
		if !slices.EqualFunc(sorted, written, bytes.Equal) {
			t.Fatalf("%d chunks, the sorter's are %d, and they differ", len(written), len(sorted))
		}
	})
}

func TestWriterRefusesAKeyBelowTheLast(t *testing.T) {
	writer, err := NewWriter(t.Context(), RunOwner{Attempt: mapreduce.Attempt{Worker: "w", N: 1}}, 0, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b", "b"} {
		if writer.Emit([]byte(key), nil); writer.Err() != nil {
			t.Fatalf("%s: %v", key, writer.Err())
		}
	}
	writer.Emit([]byte("aa"), nil)
	if _, err := writer.End(); !mapreduce.IsPermanent(err) || writer.Records() != 3 {
		t.Errorf("ended with %v, %d records", err, writer.Records())
	}
}
