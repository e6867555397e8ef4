package shuffle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/klauspost/compress/s2"
	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
)

// A run travels as chunks that each say what they are. All integers are unsigned varints unless a size is given.
//
//	chunk    "JR" │ version 1B │ flags 1B │ task │ length, attempt │ seq │ [trailer] │ raw length │ body │ checksum 8B
//	flags    1 body is an s2 block, 2 last chunk of its run: it has the trailer
//	trailer  records │ bytes │ digest 8B
//	checksum XXH3 of all before it, little endian like the digest
//
// The raw bodies of a run's chunks, one after the other, are the canonical records, cut at any byte: a record may begin
// in one chunk and end in another. Bytes and digest (XXH3) of the trailer are of that stream.
//
//	record   length, key │ length, value
const (
	// Version is the version of the run format that this binary writes and reads.
	Version = 1
	// MaxChunk bounds a chunk's uncompressed body: a reader makes no more memory than that because a header says so.
	MaxChunk = 8 << 20
	// MaxOverhead bounds what a chunk is longer than its uncompressed body.
	MaxOverhead = 256

	maxAttempt   = 128 // bytes of an attempt's name
	flagS2       = 1
	flagLast     = 2
	magic        = "JR"
	checksumSize = 8
)

// RunOwner says whose a run is.
type RunOwner struct {
	Task    int
	Attempt mapreduce.Attempt
}

// Trailer says what a whole run holds; it travels in the run's last chunk.
type Trailer struct {
	Records int64
	Bytes   int64  // of the canonical records
	Digest  uint64 // XXH3 of the canonical records
}

// Chunk is a parsed chunk. It shares the memory of the slice that it was parsed from.
type Chunk struct {
	RunOwner
	Seq     int // 0, 1, 2, … within the run
	Last    bool
	Trailer Trailer // of the last chunk only

	packed bool // the body is an s2 block
	raw    int  // length of the uncompressed body
	body   []byte
}

// ErrVersion: a chunk of a format that this binary does not read; running the map again would not help.
var ErrVersion = errors.New("other version of the run format")

// ParseChunk reads a chunk and refuses what no Sorter made: damage, in any byte, is an error that wraps
// mapreduce.ErrRunsLost, another version one that wraps ErrVersion. It does not look into the body.
func ParseChunk(b []byte) (Chunk, error) {
	if len(b) < len(magic)+2+checksumSize || string(b[:2]) != magic {
		return Chunk{}, fmt.Errorf("parse chunk of %d bytes: not a chunk: %w", len(b), mapreduce.ErrRunsLost)
	}
	if b[2] != Version {
		return Chunk{}, fmt.Errorf("parse chunk: version %d, this binary reads %d: %w", b[2], Version, ErrVersion)
	}
	sum := len(b) - checksumSize
	p := parser{rest: b[4:sum]}
	c := p.chunk(b[3])
	if p.bad == "" && xxh3.Hash(b[:sum]) != binary.LittleEndian.Uint64(b[sum:]) {
		p.bad = "checksum differs"
	}
	if p.bad != "" {
		return Chunk{}, fmt.Errorf("parse chunk %d of task %d, attempt %s: %s: %w",
			c.Seq, c.Task, c.Attempt, p.bad, mapreduce.ErrRunsLost)
	}
	return c, nil
}

// parser reads a header; the first thing that is wrong stays in bad.
type parser struct {
	rest []byte
	bad  string
}

func (p *parser) chunk(flags byte) Chunk {
	var c Chunk
	c.packed, c.Last = flags&flagS2 != 0, flags&flagLast != 0
	if flags&^(flagS2|flagLast) != 0 {
		p.fail("unknown flags")
	}
	c.Task = int(p.number(math.MaxInt32, "task number"))
	c.Attempt = p.attempt()
	c.Seq = int(p.number(math.MaxInt32, "chunk number"))
	if c.Last {
		c.Trailer.Records = int64(p.number(math.MaxInt64, "records"))
		c.Trailer.Bytes = int64(p.number(math.MaxInt64, "bytes"))
		c.Trailer.Digest = p.fixed("digest")
	}
	c.raw = int(p.number(MaxChunk, "body length"))
	c.body = p.rest
	p.checkBody(c)
	return c
}

// checkBody refuses a body whose length, as it says itself, is not the header's.
func (p *parser) checkBody(c Chunk) {
	length := len(c.body)
	if c.packed {
		n, err := s2.DecodedLen(c.body)
		if err != nil {
			p.fail("body is not an s2 block")
			return
		}
		length = n
	}
	if length != c.raw {
		p.fail("body length differs")
	}
}

func (p *parser) fail(what string) {
	if p.bad == "" {
		p.bad = what
	}
	p.rest = nil
}

func (p *parser) number(most uint64, what string) uint64 {
	n, size := binary.Uvarint(p.rest)
	if size <= 0 || n > most {
		p.fail("bad " + what)
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

func (p *parser) fixed(what string) uint64 {
	if len(p.rest) < 8 {
		p.fail("bad " + what)
		return 0
	}
	n := binary.LittleEndian.Uint64(p.rest)
	p.rest = p.rest[8:]
	return n
}

func (p *parser) attempt() mapreduce.Attempt {
	length := int(p.number(maxAttempt, "attempt length"))
	if length > len(p.rest) {
		p.fail("bad attempt length")
		return mapreduce.Attempt{}
	}
	attempt, err := mapreduce.ParseAttempt(string(p.rest[:length]))
	if err != nil {
		p.fail("bad attempt")
		return mapreduce.Attempt{}
	}
	p.rest = p.rest[length:]
	return attempt
}
