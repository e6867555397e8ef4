package shuffle

// arena keeps bytes in blocks of one size that are never copied, and reused after reset. What would waste
// much of a block gets one of its own, which reset gives back.
type arena struct {
	blocks [][]byte // the length of each is what is used of it
	size   int
	at     int   // the block that is being filled
	used   int64 // bytes
}

// A ref is a place in the arena: block<<blockBits | offset. The offset in a block of its own is 0.
const (
	blockBits = 20
	blockMask = 1<<blockBits - 1
)

// newArena sizes blocks for a memory bound: small enough that the last one, half used, does not matter.
func newArena(memory int64) *arena {
	return &arena{size: int(min(max(memory/32, 4<<10), 1<<blockBits))}
}

// take returns n bytes and their place.
func (a *arena) take(n int) (ref uint64, b []byte) {
	a.used += int64(n)
	if n > a.size/4 {
		a.blocks = append(a.blocks, make([]byte, n))
		return uint64(len(a.blocks)-1) << blockBits, a.blocks[len(a.blocks)-1]
	}
	for ; ; a.at++ {
		if a.at == len(a.blocks) {
			a.blocks = append(a.blocks, make([]byte, 0, a.size))
		}
		block := a.blocks[a.at]
		if from := len(block); cap(block)-from >= n {
			a.blocks[a.at] = block[:from+n]
			return uint64(a.at)<<blockBits | uint64(from), block[from : from+n : from+n]
		}
	}
}

// from is what the arena holds from a place on.
func (a *arena) from(ref uint64) []byte { return a.blocks[ref>>blockBits][ref&blockMask:] }

func (a *arena) reset() {
	kept := a.blocks[:0]
	for _, block := range a.blocks {
		if cap(block) == a.size {
			kept = append(kept, block[:0])
		}
	}
	clear(a.blocks[len(kept):])
	a.blocks, a.at, a.used = kept, 0, 0
}
