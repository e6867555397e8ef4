package input

import (
	"bytes"
	"compress/bzip2"
	"context"
	"encoding/csv"
	"io"
	"strings"
	"testing"

	stdgzip "compress/gzip"

	"github.com/klauspost/compress/zstd"

	"jetreduce/mapreduce"
)

// rowsByByte cuts CSV into rows as slowly as can be.
func rowsByByte(text string) (rows []string, ends bool) {
	inside, begin := false, 0
	for i := range len(text) {
		if text[i] == '"' {
			inside = !inside
		}
		if text[i] == '\n' && !inside {
			rows, begin = append(rows, text[begin:i+1]), i+1
		}
	}
	if begin < len(text) {
		rows = append(rows, text[begin:])
	}
	return rows, inside
}

// astray reports whether another reader of CSV refuses the quotes.
func astray(text string) bool {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	_, err := r.ReadAll()
	return err != nil
}

func looksPacked(text string) bool {
	for _, magic := range magics {
		if strings.HasPrefix(text, magic.begin) {
			return true
		}
	}
	return false
}

// FuzzRows holds that any plan and any batches give the rows that counting byte by byte gives, or an error.
func FuzzRows(f *testing.F) {
	f.Add("a,\"b\nc\"\"\"\r\n\n\nd,e", uint16(3), uint16(2), false)
	f.Add("\r\n\n\"a\n\"\nb\n", uint16(1), uint16(9), true)
	f.Add("\"\"\"", uint16(9), uint16(1), false)
	f.Fuzz(func(t *testing.T, text string, size, batch uint16, header bool) {
		cfg := inMemory("a", []byte(text))
		cfg.Records, cfg.SplitSize = mapreduce.CSV, int64(size)+1
		if header {
			cfg.Records = mapreduce.CSVHeader
		}
		all, _, err := readPlanned(t, cfg, ReadConfig{BatchSize: int(batch) + 1}, []string{"text://a"})
		rows, inside := rowsByByte(text)
		if wrong := inside || astray(text) || looksPacked(text); (err != nil) != wrong {
			t.Fatalf("%q ends inside quotes: %t, is wrong: %t, error: %v", text, inside, wrong, err)
		}
		if err != nil {
			return
		}
		var want strings.Builder
		for _, row := range rows {
			if blank(cfg.Records, []byte(strings.TrimSuffix(row, "\n"))) {
				continue
			}
			if header {
				header = false
				continue
			}
			want.WriteString(row)
		}
		if got := textOf(all); got != want.String() {
			t.Fatalf("%q: %q, want %q", text, got, want.String())
		}
	})
}

// unpacked is what others make of compressed bytes.
func unpacked(codec mapreduce.Codec, data []byte, limit int64) ([]byte, error) {
	var from io.Reader
	switch codec {
	case mapreduce.Gzip:
		r, err := stdgzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		from = r
	case mapreduce.Bzip2:
		from = bzip2.NewReader(bytes.NewReader(data))
	case mapreduce.Zstd:
		r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return r.DecodeAll(data, nil)
	}
	return io.ReadAll(io.LimitReader(from, limit))
}

// FuzzCodecs holds that whatever follows the first bytes of a compressed file, it is an error, or what others unpack.
func FuzzCodecs(f *testing.F) {
	for i, codec := range codecs {
		data := packed[codec](f, stories...)
		f.Add(data[3:], uint8(i))
		f.Add(data[3:len(data)-1], uint8(i))
		f.Add(append(data[3:len(data):len(data)], 'B'), uint8(i))
	}
	f.Add(frame(27, story)[3:], uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		const limit = 8 << 20
		codec := codecs[int(which)%len(codecs)]
		data = append(packed[codec](t, nil)[:3:3], data...)
		cfg := inMemory("a"+endings[codec], data)
		split := mapreduce.Split{{Source: mapreduce.Source{Name: "text://a", Identity: "1", Size: int64(len(data)), Codec: codec, Whole: true},
			Length: int64(len(data))}}
		cfg.Schemes["text"].(*texts).content["text://a"] = string(data)
		r := Open(split, ReadConfig{Reach: cfg.Reach, Records: mapreduce.FixedRecords(1), MaxRecord: 1 << 20})
		defer closeReader(t, r)
		var got []byte
		for len(got) <= limit {
			batch, err := r.Next(context.Background())
			if err == io.EOF {
				want, err := unpacked(codec, data, limit+1<<20)
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%s: %d bytes, others unpack %d: %v", codec, len(got), len(want), err)
				}
				return
			}
			if err != nil {
				if !mapreduce.IsPermanent(err) {
					t.Fatal(err)
				}
				return
			}
			got = append(got, batch.Data...)
		}
	})
}
