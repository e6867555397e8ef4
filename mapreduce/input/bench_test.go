package input

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"

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

// BenchmarkReaderOf reads what is not lines in a plain file.
func BenchmarkReaderOf(b *testing.B) {
	text := bytes.Repeat([]byte("{\"a\":\"line of forty bytes, as logs are\"}\n"), 32<<20/40)
	row := bytes.Repeat([]byte("a,\"row of forty bytes\", \"as\"\"tables are\n"), 32<<20/40)
	for _, test := range []struct {
		name string
		kind mapreduce.Records
		data []byte
		file string
	}{
		{"ndjson", mapreduce.NDJSON, text, "a"},
		{"csv", mapreduce.CSV, bytes.ReplaceAll(row, []byte(" \"as"), []byte("\"as")), "a"},
		{"fixed", mapreduce.FixedRecords(42), text[:len(text)/42*42], "a"},
		{"whole", mapreduce.Whole, text, "a"},
		{"gzip", mapreduce.Lines, gzipped(b, text), "a.gz"},
		{"zstd", mapreduce.Lines, zstandard(b, text), "a.zst"},
	} {
		b.Run(test.name, func(b *testing.B) {
			split := splitNamed(b, test.file, test.data)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				drain(b, Open(split, ReadConfig{Records: test.kind, MaxRecord: 64 << 20}))
			}
		})
	}
}

// BenchmarkUnpack is what the library alone takes for the same.
func BenchmarkUnpack(b *testing.B) {
	text := bytes.Repeat([]byte("{\"a\":\"line of forty bytes, as logs are\"}\n"), 32<<20/40)
	data := gzipped(b, text)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, struct{ io.Reader }{r}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlanRows cuts CSV, of which it counts all quotes.
func BenchmarkPlanRows(b *testing.B) {
	split := splitOf(b, bytes.Repeat([]byte("a row,\"of forty bytes\n\",as tables are\r\n"), 64<<20/40))
	cfg := PlanConfig{Records: mapreduce.CSV, SplitSize: 4 << 20, Store: func(mapreduce.PlanChunk) error { return nil }}
	b.SetBytes(split.Bytes())
	for b.Loop() {
		if _, err := Plan(b.Context(), []string{split[0].Source.Name}, cfg); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlanManyFiles plans 10,000 small files.
func BenchmarkPlanManyFiles(b *testing.B) {
	dir := b.TempDir()
	for i := range 10_000 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.gz", i)), []byte("of no matter"), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := Plan(b.Context(), []string{dir}, PlanConfig{Store: func(mapreduce.PlanChunk) error { return nil }}); err != nil {
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
