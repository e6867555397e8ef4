package tcp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
)

// Framing is how a stream is cut into messages.
type Framing int

// The framings. A stream's first byte tells which it is: '{' or white space can begin no length that is allowed.
const (
	Unknown Framing = iota // nothing has been read yet
	EOT                    // JSON, then one byte 0x04, which JSON never holds
	Length                 // the size of the JSON in 4 bytes, big-endian, then the JSON
)

// The most bytes of JSON that a message may have.
const (
	MaxFrame  = 64 << 20
	smallMost = 64 << 10 // of a peer that owes nothing
)

// ErrTooLarge is a message of more bytes than allowed.
var ErrTooLarge = errors.New("message too large")

var errForeign = errors.New("it does not speak this protocol")

const (
	eot        = 0x04
	sizeBytes  = 4
	firstRead  = 16 << 10 // most messages in one read
	keepBuffer = 1 << 20  // the largest buffer, in bytes, that is kept for the next message
	jsonSpace  = " \t\r\n"
)

// Reader takes the messages of a stream, however its bytes are split or joined. Its memory grows with what has arrived, never with
// what a length promises. It is not safe for concurrent use, SetLimit excepted.
type Reader struct {
	from    io.Reader
	framing Framing
	limit   atomic.Int64
	buf     []byte // what has been read and not yet been handed out
	start   int    // in buf: where the next message begins
	seen    int    // in buf, from start: bytes that hold no EOT
	spoken  bool   // there has been a message
}

// NewReader reads messages of at most so many bytes.
func NewReader(from io.Reader, limit int) *Reader {
	r := &Reader{from: from}
	r.SetLimit(limit)
	return r
}

// SetLimit changes what the next message may have, or the one that is arriving.
func (r *Reader) SetLimit(limit int) { r.limit.Store(int64(limit)) }

// Framing is what the first byte told, or Switch.
func (r *Reader) Framing() Framing { return r.framing }

// Switch says that the next message comes in another framing.
func (r *Reader) Switch(to Framing) { r.framing, r.seen = to, 0 }

// Pending is what has arrived behind the last message.
func (r *Reader) Pending() []byte { return r.buf[r.start:] }

// Next is the next message's JSON, valid until the next call. At the end of the stream it is io.EOF, inside a message
// io.ErrUnexpectedEOF.
func (r *Reader) Next() ([]byte, error) {
	if rest := r.Pending(); len(rest) == 0 && cap(r.buf) <= keepBuffer {
		r.start, r.buf = 0, r.buf[:0]
	} else if len(rest) < keepBuffer && cap(r.buf) > keepBuffer {
		r.start, r.buf = 0, bytes.Clone(rest)
	}
	for {
		message, err := r.cut()
		if message != nil || err != nil {
			r.spoken = true
			return message, err
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// cut takes a message off what has arrived; nil: it is not all there.
func (r *Reader) cut() ([]byte, error) {
	arrived := r.Pending()
	if len(arrived) == 0 {
		return nil, nil
	}
	if r.framing == Unknown {
		r.framing = framingOf(arrived[0])
	}
	if r.framing == Length {
		return r.cutLength(arrived)
	}
	limit := int(r.limit.Load())
	at := bytes.IndexByte(arrived[r.seen:], eot)
	if at < 0 {
		r.seen = len(arrived)
	}
	if size := r.seen + max(at, 0); size > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	if at < 0 {
		return nil, nil
	}
	end := r.seen + at
	r.start, r.seen = r.start+end+1, 0
	return arrived[:end:end], nil
}

func framingOf(first byte) Framing {
	if first == '{' || isSpace(first) {
		return EOT
	}
	return Length
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func (r *Reader) cutLength(arrived []byte) ([]byte, error) {
	if len(arrived) < sizeBytes {
		return nil, nil
	}
	size, limit := int64(binary.BigEndian.Uint32(arrived)), r.limit.Load()
	if size > MaxFrame && !r.spoken {
		return nil, fmt.Errorf("%w: neither JSON nor a length begins with %.20q", errForeign, arrived)
	}
	if size > limit {
		return nil, fmt.Errorf("%w: %d bytes, and %d are allowed", ErrTooLarge, size, limit)
	}
	end := sizeBytes + int(size)
	if len(arrived) < end {
		return nil, nil
	}
	r.start += end
	return arrived[sizeBytes:end:end], nil
}

// fill reads once more. White space behind the last message is no beginning of another.
func (r *Reader) fill() error {
	r.room()
	n, err := r.from.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if n > 0 || err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) && len(r.Pending()) > 0 && (r.framing == Length || len(bytes.Trim(r.Pending(), jsonSpace)) > 0) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// room makes some in the buffer: by moving what is there to its beginning, or by doubling it.
func (r *Reader) room() {
	if len(r.buf) < cap(r.buf) {
		return
	}
	arrived := r.Pending()
	if r.start == 0 {
		size := min(2*cap(r.buf), int(r.limit.Load())+firstRead)
		arrived = slices.Grow(arrived, max(size-len(arrived), firstRead))
	} else {
		arrived = r.buf[:copy(r.buf, arrived)]
	}
	r.buf, r.start = arrived, 0
}

// AppendFrame appends a message, whose JSON the function appends, and refuses one that is larger than any peer has to take.
func AppendFrame(dst []byte, framing Framing, message func(dst []byte) []byte) ([]byte, error) {
	begin := len(dst)
	if framing == Length {
		dst = append(dst, make([]byte, sizeBytes)...)
	}
	from := len(dst)
	dst = message(dst)
	size := len(dst) - from
	if size > MaxFrame {
		return dst[:begin], fmt.Errorf("%w: %d bytes, and %d are allowed", ErrTooLarge, size, MaxFrame)
	}
	if framing == Length {
		binary.BigEndian.PutUint32(dst[begin:], uint32(size))
		return dst, nil
	}
	return append(dst, eot), nil
}
