package input

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"jetreduce/mapreduce"
)

// poured is a source that can only be read from its beginning to its end: one that comes that way, or that has to be unpacked.
//
//	Content.Read or Content.Pour ─▶ Read: the bytes as they are stored ─▶ unpackers ─▶ next: the bytes of its records
type poured struct {
	source   *planned
	unpacked io.Reader
	read     int64 // bytes, as they are stored
	err      error // what ended them: those who unpack make an error of their own of it, or even an end
	ended    bool  // and all of it was unpacked
}

// pours reports whether the source has to be read like that.
func (p *planned) pours() bool { return p.of.Codec != "" || p.content.Pour != nil }

// begin begins to unpack.
func (p *poured) begin(u *unpackers) (err error) {
	p.unpacked = p
	if codec := p.source.of.Codec; codec != "" {
		if p.unpacked, err = u.open(codec, p); err != nil {
			return p.broken(err)
		}
	}
	return nil
}

// Read gives the bytes as they are stored.
func (p *poured) Read(data []byte) (n int, err error) {
	if p.err != nil {
		return 0, p.err
	}
	if pour := p.source.content.Pour; pour != nil {
		n, err = pour.Read(data)
	} else {
		n, err = p.source.ReadAt(data, p.read) // at the end it gives none, and io.EOF
	}
	p.read += int64(n)
	p.err = err
	return n, err
}

// next fills some of data with bytes of records, and notes the end. Only what ends where the source does is all there.
func (p *poured) next(data []byte) (int, error) {
	n, err := p.unpacked.Read(data)
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF && p.err == io.EOF:
		p.ended = true
		return n, nil
	}
	return n, p.broken(err)
}

// broken explains why the source cannot be unpacked to its end.
func (p *poured) broken(err error) error {
	if p.err != nil && p.err != io.EOF {
		return p.err // it names the input
	}
	if p.source.content.Pour == nil || p.err == io.EOF {
		if err := p.source.verify(); err != nil {
			return err
		}
	}
	return mapreduce.Permanent(fmt.Errorf("input %s: %w", p.source.of.Title(), p.damage(err)))
}

// damage says what is wrong with the bytes, which are those that were planned.
func (p *poured) damage(err error) error {
	codec := p.source.of.Codec
	switch {
	case errors.Is(err, errUnknownCodec):
		return fmt.Errorf("is compressed by %q, which this binary cannot unpack", codec)
	case errors.Is(err, errNotPacked):
		return fmt.Errorf("is not %s, as its name says: rename it", codec)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("is damaged or truncated: its %s data ends too early, at byte %d: make it again", codec, p.read)
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("needs a window of more than %s to be unpacked: compress it again with a smaller one (zstd --long=27)",
			size(maxWindow))
	case errors.Is(err, zstd.ErrUnknownDictionary):
		return errors.New("was compressed with a dictionary: compress it again without one")
	}
	return fmt.Errorf("is damaged, or something else follows its %s data, before byte %d: make it again: %w", codec, p.read, err)
}
