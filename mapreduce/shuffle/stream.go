package shuffle

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// stream is a sorted sequence of records. Key and value stand until the next call; the end is io.EOF.
type stream interface {
	next() (key, value []byte, err error)
}

var errMalformed = errors.New("malformed record")

// reader makes records of blocks of the canonical stream that were cut at any byte.
type reader struct {
	fill    func() ([]byte, error) // the next block, which stands until the next call; io.EOF behind the last
	block   []byte
	carry   []byte // a record that crosses blocks
	records int64
}

// next returns the next record. A record inside a block is not copied.
func (r *reader) next() (key, value []byte, err error) {
	key, value, size, err := cutRecord(r.block)
	if err != nil {
		return nil, nil, err
	}
	if size > len(r.block) {
		return r.across()
	}
	r.block = r.block[size:]
	r.records++
	return key, value, nil
}

// across gathers a record from more than one block. Memory grows with the bytes that are there, not with those that a
// length promises.
func (r *reader) across() (key, value []byte, err error) {
	if r.carry = r.carry[:0]; cap(r.carry) > keepRecord {
		r.carry = nil
	}
	for {
		key, value, size, err := cutRecord(r.carry)
		if err != nil {
			return nil, nil, err
		}
		if size <= len(r.carry) {
			r.records++
			return key, value, nil
		}
		if len(r.block) == 0 {
			if err := r.refill(); err != nil {
				return nil, nil, err
			}
		}
		n := min(size-len(r.carry), len(r.block))
		r.gather(n, size)
	}
}

const (
	keepRecord = 1 << 20  // the largest record or sort key, in bytes, whose memory is kept for the next one
	shortValue = 1 << 10  // bytes; a long key has a value of no more, mostly
	roundUp    = 64 << 10 // bytes from which on append would waste too much
)

// gather carries n more bytes of a record of the size that is known by now.
func (r *reader) gather(n, size int) {
	if need := len(r.carry) + n; need > cap(r.carry) && need > roundUp {
		r.carry = append(make([]byte, 0, min(size+shortValue, 2*need)), r.carry...)
	}
	r.carry = append(r.carry, r.block[:n]...)
	r.block = r.block[n:]
}

func (r *reader) refill() (err error) {
	for len(r.block) == 0 && err == nil {
		r.block, err = r.fill()
	}
	if err == io.EOF && len(r.carry) > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// cutRecord reads the record that b begins with. Its size is exact when it is at most len(b), else it is what is known
// to be needed.
func cutRecord(b []byte) (key, value []byte, size int, err error) {
	key, size, err = cutField(b, 0)
	if err != nil || size > len(b) {
		return nil, nil, size, err
	}
	value, size, err = cutField(b, size)
	return key, value, size, err
}

// cutField reads the length-prefixed field at b[from:], and where it ends.
func cutField(b []byte, from int) (field []byte, end int, err error) {
	if from < len(b) && b[from] < 0x80 { // most are short
		end = from + 1 + int(b[from])
		if end > len(b) {
			return nil, end, nil
		}
		return b[from+1 : end : end], end, nil
	}
	n, size := binary.Uvarint(b[from:])
	if size == 0 { // cut short
		return nil, len(b) + 1, nil
	}
	if size < 0 || n > math.MaxInt32<<16 {
		return nil, 0, errMalformed
	}
	end = from + size + int(n)
	if end > len(b) {
		return nil, end, nil
	}
	return b[from+size : end : end], end, nil
}
