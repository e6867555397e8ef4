package input

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// planBlobs plans a text in blobs, reads all splits, and returns what each held.
func planBlobs(t interface {
	Helper()
	Fatal(...any)
}, dir string, text []byte, characters int) (splits [][]byte) {
	t.Helper()
	path := filepath.Join(dir, "text")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var chunks []mapreduce.PlanChunk
	_, err := Plan(context.Background(), []string{path}, PlanConfig{Blob: characters, Store: func(c mapreduce.PlanChunk) error {
		chunks = append(chunks, c)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, chunk := range chunks {
		for i := 0; ; i++ {
			split, err := chunk.Split(i)
			if err != nil {
				break
			}
			var held []byte
			reader := Open(split, ReadConfig{})
			for {
				batch, err := reader.Next(context.Background())
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				held = append(held, batch.Data...)
			}
			splits = append(splits, held)
		}
	}
	return splits
}

// Splits are what the original's blobs are, so many at a time, and nothing is left out or read twice.
func TestSplitsOfBlobsAreWholeBlobs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "word ", "\r\n", "\r", "\n", "ção ", "\xff", "\u2003", "😀", strings.Repeat("x", 70), "\xf0\x9f"}), 0, 300).Draw(t, "parts")
		text := bytes.Repeat([]byte(strings.Join(parts, "")), rapid.SampledFrom([]int{1, 40}).Draw(t, "times"))
		characters := rapid.SampledFrom([]int{1, 7, 4000, 20_000}).Draw(t, "characters")
		var want [][]byte
		for rest := text; len(rest) > 0; {
			n := 0
			for range mapreduce.BlobsOfSplit(characters, int64(len(text))) {
				n += mapreduce.BlobEnd(rest[n:], characters, true)
			}
			want, rest = append(want, rest[:n]), rest[n:]
		}
		if got := planBlobs(t, dir, text, characters); !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("%d splits, want %d", len(got), len(want))
		}
	})
}
