package input

import (
	"fmt"
	"strconv"

	"jetreduce/mapreduce"
)

const (
	maxChunkCost = 32 << 10 // bytes of a chunk of several splits
	maxChunks    = 25_000   // their first splits stand in one commit, which is one message
	chunkCost    = 64       // bytes of a chunk without sources and splits, at most
	splitCost    = len(`[],`)
)

// pieceCost is how many bytes a piece takes in a chunk, at most.
func pieceCost(piece extent) int {
	var digits [20]byte
	numbers := len(strconv.AppendInt(digits[:0], piece[1], 10)) + len(strconv.AppendInt(digits[:0], piece[2], 10))
	return len(`[99999,,],`) + numbers // no chunk has room for 100,000 sources
}

// chunker writes splits into chunks and hands on each that is full. It knows the size of a chunk by adding up upper bounds
// of its parts: to marshal it after each split would take quadratic time.
type chunker struct {
	files []listed
	store func(mapreduce.PlanChunk) error

	chunk   mapreduce.PlanChunk
	last    int64 // number of the chunk's last source in the plan's list
	cost    int
	summary mapreduce.PlanSummary
}

func newChunker(files []listed, store func(mapreduce.PlanChunk) error) *chunker {
	c := &chunker{files: files, store: store}
	c.summary.Inputs = len(files)
	c.clear()
	return c
}

func (c *chunker) clear() {
	c.chunk = mapreduce.PlanChunk{Version: mapreduce.RecordVersion}
	c.last, c.cost = -1, chunkCost
}

func (c *chunker) add(split []extent) error {
	if c.cost+splitCost+piecesCost(c.files, split, c.last) > maxChunkCost {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if len(c.chunk.Splits) == 0 {
		c.summary.Firsts = append(c.summary.Firsts, c.summary.Splits)
	}
	c.cost += splitCost + piecesCost(c.files, split, c.last)
	pieces := make([][3]int64, 0, len(split))
	for _, piece := range split {
		pieces = append(pieces, extent{c.index(piece[0]), piece[1], piece[2]})
		c.summary.Bytes += piece[2]
	}
	c.chunk.Splits = append(c.chunk.Splits, pieces)
	c.summary.Splits++
	return nil
}

// piecesCost is what pieces add to a chunk. They come in the order of their sources, so only the last source, of that number in
// the plan's list, can be there already.
func piecesCost(files []listed, pieces []extent, last int64) (cost int) {
	for _, piece := range pieces {
		cost += pieceCost(piece)
		if piece[0] != last {
			cost += files[piece[0]].cost
		}
		last = piece[0]
	}
	return cost
}

// index is the number of a source in the chunk, which takes it in if it is new.
func (c *chunker) index(number int64) int64 {
	if number != c.last {
		c.chunk.Sources = append(c.chunk.Sources, c.files[number].Source)
		c.last = number
	}
	return int64(len(c.chunk.Sources) - 1)
}

// flush hands the chunk on, if it holds anything.
func (c *chunker) flush() error {
	if len(c.chunk.Splits) == 0 {
		return nil
	}
	if len(c.summary.Firsts) > maxChunks {
		return mapreduce.Permanentf("the plan needs more than %s chunks: use a larger split size, or fewer files",
			grouped(maxChunks))
	}
	if err := c.store(c.chunk); err != nil {
		return fmt.Errorf("store plan chunk %d: %w", len(c.summary.Firsts)-1, err)
	}
	c.clear()
	return nil
}
