package input

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"jetreduce/mapreduce"
)

// codecOf is how a file of that name is compressed. What stands behind the question mark of a web page's name is no ending.
func codecOf(name string) mapreduce.Codec {
	if scheme := schemeOf(name); scheme == "http" || scheme == "https" {
		name, _, _ = strings.Cut(name, "?")
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".gz":
		return mapreduce.Gzip
	case ".bz2":
		return mapreduce.Bzip2
	case ".zst", ".zstd":
		return mapreduce.Zstd
	}
	return ""
}

const (
	maxWindow  = 128 << 20 // bytes of a zstd window, of which a reader has one: what --long of the command asks for
	zstdFrame  = "\x28\xb5\x2f\xfd"
	zstdToSkip = "\x2a\x4d\x18" // behind a first byte of 0x50 to 0x5f
)

// magics are how files begin that are packed, and what to do about one whose name does not say so.
var magics = []struct{ begin, what, advice string }{
	{"\x1f\x8b\x08", "gzip", "end its name in .gz, or unpack it"},
	{zstdFrame, "zstd", "end its name in .zst, or unpack it"},
	{"BZh91AY&SY", "bzip2", "end its name in .bz2, or unpack it"},
	{"\xfd7zXZ\x00", "xz", "unpack it first (xz -dc)"},
	{"PK\x03\x04", "zip", "unpack it first (unzip -p)"},
}

// checkFirst refuses lines that are packed: nobody wants to count those. Messages of a stream, records of one size and whole inputs may well be.
func (r *Reader) checkFirst(data []byte) error {
	source := r.piece.source.of
	lines := r.cfg.Records.AreLines() || r.cfg.Records.IsCSV()
	if r.offset > 0 || !lines || source.Codec != "" || schemeOf(source.Name) == "stream" {
		return nil
	}
	for _, magic := range magics {
		if strings.HasPrefix(string(data[:min(len(data), len(magic.begin))]), magic.begin) {
			return mapreduce.Permanentf("input %s: is %s by its first bytes, and its name does not say so: %s", r.title(), magic.what, magic.advice)
		}
	}
	return nil
}

// begins reports whether what is stored may begin like this. The head may be shorter than what all files of a codec begin with.
func begins(codec mapreduce.Codec, head []byte) bool {
	like := func(magic string) bool { return strings.HasPrefix(magic, string(head[:min(len(head), len(magic))])) }
	switch codec {
	case mapreduce.Gzip:
		return like("\x1f\x8b")
	case mapreduce.Bzip2:
		return like("BZh")
	}
	return codec != mapreduce.Zstd || like(zstdFrame) || head[0]&0xf0 == 0x50 && bytes.HasPrefix([]byte(zstdToSkip), head[1:min(len(head), 4)])
}

var (
	errNotPacked    = errors.New("does not begin like that")
	errUnknownCodec = errors.New("unknown codec")
)

// unpackers give what was compressed. They are kept for the next source: to make one costs more than to unpack a small file.
type unpackers struct {
	stored *bufio.Reader
	gzip   *gzip.Reader
	zstd   *zstd.Decoder
}

// open begins to unpack a source.
func (u *unpackers) open(codec mapreduce.Codec, from io.Reader) (io.Reader, error) {
	if u.stored == nil {
		u.stored = bufio.NewReaderSize(nil, blockSize)
	}
	u.stored.Reset(from)
	switch head, err := u.stored.Peek(len(zstdFrame)); {
	case len(head) == 0 && err == io.EOF:
		return nil, io.ErrUnexpectedEOF // nothing is not what any of them makes of nothing
	case err != nil && err != io.EOF:
		return nil, err
	case !begins(codec, head):
		return nil, errNotPacked
	}
	switch codec {
	case mapreduce.Gzip:
		return u.openGzip()
	case mapreduce.Bzip2:
		return bzip2.NewReader(u.stored), nil
	case mapreduce.Zstd:
		return u.openZstd()
	}
	return nil, errUnknownCodec
}

func (u *unpackers) openGzip() (io.Reader, error) {
	if u.gzip == nil {
		u.gzip = new(gzip.Reader)
	}
	m := &members{u.gzip, u.stored}
	return m, m.next()
}

func (u *unpackers) openZstd() (_ io.Reader, err error) {
	if u.zstd == nil {
		u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
	}
	return u.zstd, u.zstd.Reset(u.stored)
}

func (u *unpackers) close() {
	if u.zstd != nil {
		u.zstd.Close()
	}
	*u = unpackers{}
}

// members reads the members of a gzip file one by one. The library's own way to do so takes one that is cut inside its name for the
// end.
type members struct {
	member *gzip.Reader
	stored *bufio.Reader
}

// Read gives some bytes of a member, or none and goes on with the next.
func (m *members) Read(data []byte) (int, error) {
	n, err := m.member.Read(data)
	if err == io.EOF && n == 0 {
		return 0, m.next()
	}
	if err == io.EOF {
		err = nil // it says so again
	}
	return n, err
}

// next begins the next member; io.EOF: there is none.
func (m *members) next() error {
	if _, err := m.stored.Peek(1); err != nil {
		return err
	}
	err := m.member.Reset(m.stored)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	m.member.Multistream(false)
	return err
}
