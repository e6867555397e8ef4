package output

import (
	"bufio"
	"errors"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"jetreduce/mapreduce"
)

// packer compresses one stream after the other.
type packer interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// Pack makes the writer that compresses what is written, as mapreduce.Target's Packing says. What it makes depends on the bytes
// alone: there is no name and no time in it, so that two attempts can be compared. Closing it ends the stream, and leaves w open.
func Pack(w io.Writer, codec mapreduce.Codec) (io.WriteCloser, error) {
	p, err := newPacker(codec)
	if err != nil {
		return nil, err
	}
	p.Reset(w)
	return p, nil
}

func newPacker(codec mapreduce.Codec) (packer, error) {
	switch codec {
	case "":
		return &plain{}, nil
	case mapreduce.Gzip:
		return &gzipPacker{gzip.NewWriter(io.Discard), bufio.NewWriterSize(io.Discard, rowBuffer)}, nil
	case mapreduce.Zstd: // a frame even of nothing: else there would be a file that tools refuse
		return zstd.NewWriter(io.Discard, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
	}
	return nil, mapreduce.Permanentf("codec %q: use gzip or zstd, or leave it out", codec)
}

// ending is that of a compressed file's name.
func ending(codec mapreduce.Codec) string {
	switch codec {
	case mapreduce.Gzip:
		return ".gz"
	case mapreduce.Zstd:
		return ".zst"
	}
	return ""
}

// plain is the packer that leaves all as it is.
type plain struct{ io.Writer }

func (p *plain) Close() error      { return nil }
func (p *plain) Reset(w io.Writer) { p.Writer = w }

// gzipPacker gathers what gzip gives, which comes in pieces of some hundred bytes.
type gzipPacker struct {
	*gzip.Writer
	below *bufio.Writer
}

func (p *gzipPacker) Close() error { return errors.Join(p.Writer.Close(), p.below.Flush()) }

func (p *gzipPacker) Reset(w io.Writer) {
	p.below.Reset(w)
	p.Writer.Reset(p.below)
	p.ModTime = time.Unix(0, 0) // is none; the zero time would be written as one in 2042
}
