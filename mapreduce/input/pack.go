package input

import (
	"context"
	"errors"
)

// A task costs a message, a commit and a step of the leader's, however little it does. Of very many splits that are tiny, a map
// task therefore gets several: a pack.
const (
	packsPerSlot = 128     // at least so many are left for each slot: the slots are to end together
	maxPack      = 256     // splits: what is lost with a worker, and what a straggler has left to do
	maxPackBytes = 4 << 20 // of several splits, so that only what is tiny is packed
)

// packOf is how many splits a map task gets when there are so many of a size in bytes.
func packOf(splits, size int64, slots int) int {
	fair := splits / int64(packsPerSlot*max(slots, 1))
	return int(max(min(fair, maxPack, maxPackBytes/size), 1))
}

// packer joins neighbouring splits. Each stays a piece, or pieces, of its own: no batch goes beyond one. How many there are is known
// only at the end, so they wait for it.
type packer struct {
	files []listed
	emit  func(pack []extent) error // must not keep pack

	pieces []extent // of all splits
	ends   []int    // of each split, in pieces
}

func (p *packer) add(split []extent) error {
	p.pieces = append(p.pieces, split...)
	p.ends = append(p.ends, len(p.pieces))
	return nil
}

// flush emits packs of so many splits, or of fewer where they would become too large to read or to send. A split may hold far more than
// the size that was asked for, since it ends where a line does.
func (p *packer) flush(ctx context.Context, most int) error {
	begin, end, splits, cost, last, bytes := 0, 0, 0, chunkCost+splitCost, int64(-1), int64(0)
	for _, next := range p.ends {
		split := p.pieces[end:next]
		more, own := piecesCost(p.files, split, last), bytesOf(split)
		full := splits == most || cost+more > maxSplitCost || next-begin > maxPieces || bytes+own > maxPackBytes
		if splits > 0 && full {
			if err := errors.Join(ctx.Err(), p.emit(p.pieces[begin:end])); err != nil {
				return err
			}
			begin, splits, cost, bytes = end, 0, chunkCost+splitCost, 0
			more = piecesCost(p.files, split, -1)
		}
		splits, cost, bytes, last, end = splits+1, cost+more, bytes+own, p.pieces[next-1][0], next
	}
	if splits == 0 {
		return nil
	}
	return p.emit(p.pieces[begin:end])
}

func bytesOf(split []extent) (bytes int64) {
	for _, piece := range split {
		bytes += piece[2]
	}
	return bytes
}
