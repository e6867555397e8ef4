package programs

import (
	"encoding/binary"
	"math/bits"

	"jetreduce/mapreduce"
)

// window is 64 bytes of text, looked at all together: bit i of each mask is about byte i. It takes the word rule's usual
// case without a branch for each byte or word, because the lengths of words are what no processor predicts; a loop over
// a table of byte classes took about half as long again.
//
//	text   "The Fox, don't"
//	lower  "the fox, don't"   A–Z become a–z, all else stays
//	blank   ...#...##.....    white space, and what is deleted at a token's border
//	odd     ............#.    what needs more than that: a token with it inside is rewritten
type window struct {
	lower [width + mapreduce.TokenReach]byte
	blank uint64
	odd   uint64
}

const (
	width = 64
	each  = 0x0101010101010101 // of eight bytes
	tops  = 0x80 * each
)

// read fills the window from the first 64 bytes of text. The text must begin at a token's border. What is next to the
// window's end may be judged wrong, so that a token that goes on behind it must be read again.
func (w *window) read(text []byte) {
	var spaces, letters, others, wide uint64
	text = text[:width]
	for i := 0; i < width; i += 8 {
		eight := binary.LittleEndian.Uint64(text[i : i+8])
		high := eight & tops
		low := eight &^ tops
		space := (between(low, '\t', '\r') | between(low, 0x1C, ' ')) &^ high
		letter := between(low|0x20*each, 'a', 'z') &^ high
		binary.LittleEndian.PutUint64(w.lower[i:i+8], eight|letter>>2)
		spaces = spaces>>1 | space
		letters = letters>>1 | letter
		others |= (^(low + 0x60*each) &^ space) | (low + each)
		wide |= high
	}
	space, plain := transpose(spaces), transpose(letters)
	deleted := ^(space | plain)
	if (others|wide)&tops != 0 {
		deleted &^= uneven(text)
		plain |= smallLatin(text)
	}
	// At a token's border a deleted character says nothing about a sigma inside, whose context ends there anyway: so it
	// may be white space. At the left border a whole run of them falls to one addition's carries; at the right one the
	// usual three do.
	left := deleted &^ (deleted + deleted&(space<<1|1))
	right := deleted & (space >> 1)
	right |= deleted & (right >> 1)
	right |= deleted & (right >> 1)
	w.blank = space | left | right
	w.odd = ^(plain | w.blank)
}

// transpose makes a mask of bits gathered by shifting: bit i of byte j becomes bit j of byte i. (Hacker's Delight, 7-3.)
func transpose(x uint64) uint64 {
	t := (x ^ x>>7) & 0x00AA00AA00AA00AA
	x ^= t ^ t<<7
	t = (x ^ x>>14) & 0x0000CCCC0000CCCC
	x ^= t ^ t<<14
	t = (x ^ x>>28) & 0x00000000F0F0F0F0
	return x ^ t ^ t<<28
}

// uneven is the places of bytes beyond ASCII and of control characters: neither is deleted.
func uneven(text []byte) uint64 {
	var mask uint64
	for i := 0; i < width; i += 8 {
		eight := binary.LittleEndian.Uint64(text[i : i+8])
		low := eight &^ tops
		mask = mask>>1 | (^(low+0x60*each)|(low+each)|eight)&tops
	}
	return transpose(mask)
}

// tokens is a bit where each token begins, and one behind the end of each; a token that reaches the window's end has no
// second one.
func (w *window) tokens() (begins, ends uint64) {
	behind := w.blank<<1 | 1
	return behind &^ w.blank, w.blank &^ behind
}

// between sets the top bit of each byte that is from first to last. The bytes' own top bits must be clear: then adding
// 0x80-first sets the top bit from first on, adding 0x7F-last sets it beyond last, and no sum carries into its neighbour.
func between(bytes uint64, first, last uint64) uint64 {
	return (bytes + (0x80-first)*each) &^ (bytes + (0x7F-last)*each) & tops
}

// smallLatin is the places of à–ÿ (0xC3, 0xA0–0xBF), both bytes, which stay as they are.
func smallLatin(text []byte) uint64 {
	var leads, follows uint64
	for i := 0; i < width; i += 8 {
		eight := binary.LittleEndian.Uint64(text[i : i+8])
		leads = leads>>1 | zero(eight^0xC3*each)
		follows = follows>>1 | zero((eight^0xA0*each)&(0xE0*each))
	}
	lead := transpose(leads) & (transpose(follows) >> 1)
	return lead | lead<<1
}

// zero sets the top bit of each byte that is 0.
func zero(bytes uint64) uint64 { return ^(bytes&^tops + 0x7F*each | bytes) & tops }

func first(mask uint64) int { return bits.TrailingZeros64(mask) }
func last(mask uint64) int  { return bits.Len64(mask) - 1 }
