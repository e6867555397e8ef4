package streaming_test

import (
	"bytes"
	"io"
	"testing"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs/streaming"
)

// count only counts: what is measured is the way through a process.
type count struct{ pairs, bytes int64 }

func (c *count) Emit(key, value []byte) {
	c.pairs++
	c.bytes += int64(len(key) + len(value))
}

// BenchmarkMapThroughCat hands batches to a mapper that copies them: raw, and split into keys and values.
func BenchmarkMapThroughCat(b *testing.B) {
	batch := bytes.Repeat([]byte("user-17\tGET /index.html HTTP/1.1 200 1234 \"a browser of some name\"\n"), mib/68)
	for name, commands := range map[string]mapreduce.Commands{"raw": mapOnly("cat"), "pairs": pairs("cat", "cat")} {
		b.Run(name, func(b *testing.B) {
			mapper, _ := streaming.Program(commands, streaming.Config{}).Mapper(nil)
			defer mapper.(io.Closer).Close()
			var out count
			b.SetBytes(int64(len(batch)))
			b.ReportAllocs()
			offset := int64(0)
			for b.Loop() {
				if err := mapper.Map(b.Context(), mapreduce.Batch{Source: "a", Offset: offset, Data: batch}, &out); err != nil {
					b.Fatal(err)
				}
				offset += int64(len(batch))
			}
			if err := mapper.(mapreduce.Flusher).Flush(b.Context(), &out); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkReduceThroughCat hands pairs to a reducer that copies them.
func BenchmarkReduceThroughCat(b *testing.B) {
	reducer, _ := streaming.Program(pairs("cat", "cat"), streaming.Config{}).Reducer(nil)
	defer reducer.(io.Closer).Close()
	var out count
	key, value := []byte("user-17"), bytes.Repeat([]byte("v"), 56)
	const pairs = 1 << 14
	values := func(yield func([]byte) bool) {
		for range pairs {
			if !yield(value) {
				return
			}
		}
	}
	b.SetBytes(int64(pairs * (len(key) + len(value) + 2)))
	b.ReportAllocs()
	for b.Loop() {
		if err := reducer.Reduce(b.Context(), key, values, &out); err != nil {
			b.Fatal(err)
		}
	}
	if err := reducer.(mapreduce.Flusher).Flush(b.Context(), &out); err != nil {
		b.Fatal(err)
	}
}
