package input

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"jetreduce/mapreduce"
)

// BenchmarkReader reads a file that the system has in memory, in batches of the default size.
func BenchmarkReader(b *testing.B) {
	split := splitOf(b, bytes.Repeat([]byte("a line of forty bytes, as logs are said\n"), 64<<20/40))
	b.SetBytes(split.Bytes())
	b.ReportAllocs()
	for b.Loop() {
		drain(b, Open(split, ReadConfig{MaxRecord: 64 << 20}))
	}
}

// BenchmarkReaderSmallFiles reads a split of many small files: what opening and checking costs.
func BenchmarkReaderSmallFiles(b *testing.B) {
	var split mapreduce.Split
	for range 100 {
		split = append(split, splitOf(b, bytes.Repeat([]byte("line\n"), 200))...)
	}
	b.SetBytes(split.Bytes())
	for b.Loop() {
		drain(b, Open(split, ReadConfig{}))
	}
}

// BenchmarkPlan cuts a file into many splits.
func BenchmarkPlan(b *testing.B) {
	split := splitOf(b, bytes.Repeat([]byte("a line of forty bytes, as logs are said\n"), 64<<20/40))
	inputs := []string{filepath.Clean(split[0].Source.Name)}
	b.SetBytes(split.Bytes())
	for b.Loop() {
		_, err := Plan(b.Context(), inputs, PlanConfig{SplitSize: 128, Store: func(mapreduce.PlanChunk) error { return nil }})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func drain(b *testing.B, r *Reader) {
	b.Helper()
	for {
		_, err := r.Next(b.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}
