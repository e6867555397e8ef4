package mapreduce

import (
	"errors"
	"fmt"
)

// Source is one input as it was when the job was planned.
type Source struct {
	Name     string `json:"name"` // path or URL
	Size     int64  `json:"size"` // bytes
	Identity string `json:"identity"`

	As    string `json:"as,omitempty"`    // what users call it; none: by its name
	Whole bool   `json:"whole,omitempty"` // it can only be read from its beginning to its end: it is one split, or part of one
	Codec Codec  `json:"codec,omitempty"` // how it is compressed
}

// Title is what users call the source.
func (s Source) Title() string {
	if s.As != "" {
		return s.As
	}
	return s.Name
}

// Codec is how a file is compressed.
type Codec string

// The codecs; none is plain bytes.
const (
	Gzip  Codec = "gzip"
	Bzip2 Codec = "bzip2"
	Zstd  Codec = "zstd"
)

// Piece is a range of a source that begins and ends at record borders.
type Piece struct {
	Source Source
	Offset int64
	Length int64
}

// Split is the input of one map task: one piece of a big source, several small sources whole, or, when there are very many that are
// tiny, a pack of several ranges that a user's split size asks for, each a piece of its own.
type Split []Piece

// Bytes is the length of all pieces.
func (s Split) Bytes() int64 {
	var n int64
	for _, piece := range s {
		n += piece.Length
	}
	return n
}

// PlanRef says where the plan keeps a map task's split: chunk Chunk of the plan that attempt Attempt wrote, split number
// Index in it.
type PlanRef struct {
	Plan    TaskID  `json:"plan"`
	Attempt Attempt `json:"attempt"`
	Chunk   int     `json:"chunk"`
	Index   int     `json:"index"`
}

// PlanChunk is a stretch of the plan as it stands on the bus: each source once, each split as ranges of them.
type PlanChunk struct {
	Version int          `json:"v"`
	Sources []Source     `json:"sources"`
	Splits  [][][3]int64 `json:"splits"` // split → piece → index in Sources, offset, length
}

// Split rebuilds split number i of the chunk, and refuses ranges that no plan of ours holds.
func (c PlanChunk) Split(i int) (Split, error) {
	if c.Version != RecordVersion {
		return nil, fmt.Errorf("plan chunk of version %d: this binary reads %d", c.Version, RecordVersion)
	}
	if i < 0 || i >= len(c.Splits) {
		return nil, fmt.Errorf("split %d of a plan chunk of %d", i, len(c.Splits))
	}
	split := make(Split, 0, len(c.Splits[i]))
	for _, p := range c.Splits[i] {
		if p[0] < 0 || p[0] >= int64(len(c.Sources)) {
			return nil, fmt.Errorf("split %d: source %d of %d", i, p[0], len(c.Sources))
		}
		source := c.Sources[p[0]]
		if p[1] < 0 || p[2] < 0 || p[1] > source.Size || p[2] > source.Size-p[1] {
			return nil, fmt.Errorf("split %d: range %d+%d of %s", i, p[1], p[2], source.Name)
		}
		split = append(split, Piece{source, p[1], p[2]})
	}
	return split, nil
}

// PlanSummary is what the leader needs to know of a plan.
type PlanSummary struct {
	Splits int   `json:"splits"`
	Bytes  int64 `json:"bytes"`
	Inputs int   `json:"inputs"`
	Firsts []int `json:"firsts"` // chunk → number of its first split, ascending from 0

	Files []Source `json:"files,omitempty"` // those that are shipped along, in the order of the job's
}

// Check refuses a summary whose chunks cannot be.
func (p PlanSummary) Check() error {
	if p.Splits < 0 || p.Splits > MaxSplits || p.Splits > 0 && len(p.Firsts) == 0 {
		return fmt.Errorf("plan of %d splits in %d chunks", p.Splits, len(p.Firsts))
	}
	for i, first := range p.Firsts {
		if i == 0 && first != 0 || i > 0 && first <= p.Firsts[i-1] || first >= p.Splits {
			return errors.New("plan with its chunks out of order")
		}
	}
	return nil
}
