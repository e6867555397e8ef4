package input

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"jetreduce/mapreduce"
)

// packed are ways to store the bytes of a file; each part is a member, a frame or a stream of its own.
var packed = map[mapreduce.Codec]func(t testing.TB, parts ...[]byte) []byte{
	"":              func(_ testing.TB, parts ...[]byte) []byte { return bytes.Join(parts, nil) },
	mapreduce.Gzip:  gzipped,
	mapreduce.Zstd:  zstandard,
	mapreduce.Bzip2: bzipped,
}

var endings = map[mapreduce.Codec]string{"": "", mapreduce.Gzip: ".gz", mapreduce.Bzip2: ".bz2", mapreduce.Zstd: ".zst"}

func gzipped(t testing.TB, parts ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, part := range parts {
		level := gzip.BestSpeed
		if len(part) < 1<<10 {
			level = gzip.StatelessCompression // which costs less to begin with
		}
		w, err := gzip.NewWriterLevel(&out, level)
		if err != nil {
			t.Fatal(err)
		}
		w.Name, w.Comment = "a name", "a comment"
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func zstandard(t testing.TB, parts ...[]byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithZeroFrames(true))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	var out []byte
	for _, part := range parts {
		out = w.EncodeAll(part, out)
	}
	return out
}

// bzips are texts as bzip2 stores them: nothing here compresses like that.
var bzips = map[string]string{
	"one\ntwo\nthree\n": "QlpoOTFBWSZTWQh7fdcAAATBgAAQAkGUgCAAMQwIIaPUyIVHMjio8XckU4UJAIe33XA=",
	"four\nfive":        "QlpoOTFBWSZTWQOLnZMAAAHBgAAQAyCTACAAIgaaehDAhmrqAgu5IpwoSAHFzsmA",
	"":                  "QlpoORdyRThQkAAAAAA=",
}

func bzipped(t testing.TB, parts ...[]byte) (out []byte) {
	t.Helper()
	for _, part := range parts {
		text, known := bzips[string(part)]
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil || !known {
			t.Fatalf("%q: known %t, %v", part, known, err)
		}
		out = append(out, data...)
	}
	return out
}

// splitNamed is all of a new file of that name.
func splitNamed(t testing.TB, name string, data []byte) mapreduce.Split {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	id, err := disk{}.identify(path, path) // without the wait of a plan: what it is for is not to be edited
	if err != nil {
		t.Fatal(err)
	}
	file, err := newListed(mapreduce.Source{Name: path, Size: id.size, Identity: id.String()})
	if err != nil {
		t.Fatal(err)
	}
	return mapreduce.Split{{Source: file.Source, Length: id.size}}
}

// record is one as a program gets it, with what ends it.
type record struct {
	Source string
	Offset int64
	Text   string
}

// records reads a split to its end, and checks what holds for each batch.
func records(t fataler, r *Reader) (all []record, err error) {
	t.Helper()
	defer func() {
		if err := r.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}()
	for {
		batch, err := r.Next(context.Background())
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		before := len(all)
		for one := range batch.Singles() {
			all = append(all, record{one.Source, one.Offset, string(one.Data)})
		}
		switch {
		case len(batch.Data) == 0 || batch.Records != r.cfg.Records:
			t.Fatalf("a batch of %d bytes, records %q", len(batch.Data), batch.Records)
		case len(batch.Data) > r.cfg.BatchSize && len(all) > before+1:
			t.Fatalf("a batch of %d bytes has several records, the batch size is %d", len(batch.Data), r.cfg.BatchSize)
		}
	}
}
