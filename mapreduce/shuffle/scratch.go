package shuffle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// scratch is one local file that holds everything its owner spills. It is made when first written, and unlinked at once:
// whatever kills the process, nothing is left behind. Where an open file cannot be unlinked, close removes it.
type scratch struct {
	dir  string // "" is os.TempDir()
	file *os.File
	size int64
	left bool // the name still exists
}

// append writes p behind everything before and returns where it is.
func (s *scratch) append(p []byte) (offset int64, err error) {
	if s.file == nil {
		if err := s.create(); err != nil {
			return 0, err
		}
	}
	offset = s.size
	if _, err := s.file.WriteAt(p, offset); err != nil {
		return 0, fmt.Errorf("write scratch file: %w", err)
	}
	s.size += int64(len(p))
	return offset, nil
}

func (s *scratch) create() error {
	file, err := os.CreateTemp(s.dir, "jetreduce-scratch-*")
	if err != nil {
		return fmt.Errorf("create scratch file: %w", err)
	}
	s.file, s.size = file, 0
	s.left = os.Remove(file.Name()) != nil
	return nil
}

// read fills p from offset.
func (s *scratch) read(p []byte, offset int64) error {
	if s.file == nil {
		return fmt.Errorf("read scratch file: %w", os.ErrClosed)
	}
	if _, err := s.file.ReadAt(p, offset); err != nil {
		return fmt.Errorf("read scratch file at %d: %w", offset, err)
	}
	return nil
}

func (s *scratch) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.left {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	s.file = nil
	if err != nil {
		return fmt.Errorf("close scratch file: %w", err)
	}
	return nil
}

// section is a reader of the canonical records in [from, to) of the file; buf is its memory.
func (s *scratch) section(from, to int64, buf []byte) *reader {
	return &reader{fill: func() ([]byte, error) {
		n := min(int64(len(buf)), to-from)
		if n == 0 {
			return nil, io.EOF
		}
		err := s.read(buf[:n], from)
		from += n
		return buf[:n], err
	}}
}

// appender gathers records into large writes. One at a time writes to a scratch file, so what it writes is contiguous.
type appender struct {
	scratch *scratch
	buf     []byte // its capacity is the size of a write
	alive   func() error
	largest int // bytes of a record that was larger than a write; 0: none was
}

// offset is where the next record will be.
func (a *appender) offset() int64 { return a.scratch.size + int64(len(a.buf)) }

func (a *appender) put(key, value []byte) error {
	if len(a.buf)+len(key)+len(value)+heads > cap(a.buf) {
		if err := a.flush(); err != nil {
			return err
		}
		if len(key)+len(value)+heads > cap(a.buf) {
			return a.putLarge(key, value)
		}
	}
	a.buf = appendRecord(a.buf, key, value)
	return nil
}

const heads = 2 * binary.MaxVarintLen64 // bytes that the lengths in a record have at most

// putLarge writes a record without a copy of it.
func (a *appender) putLarge(key, value []byte) error {
	a.largest = max(a.largest, recordSize(key, value))
	for _, field := range [2][]byte{key, value} {
		head := binary.AppendUvarint(a.buf[:0], uint64(len(field)))
		if _, err := a.scratch.append(head); err != nil {
			return err
		}
		if _, err := a.scratch.append(field); err != nil {
			return err
		}
	}
	return nil
}

func (a *appender) flush() error {
	if err := a.alive(); err != nil {
		return err
	}
	if len(a.buf) == 0 {
		return nil
	}
	_, err := a.scratch.append(a.buf)
	a.buf = a.buf[:0]
	return err
}
