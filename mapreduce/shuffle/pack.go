package shuffle

import (
	"encoding/binary"

	"jetreduce/mapreduce"
)

// pack makes the two words that a short key's slot has.
func pack(key []byte) (lo, hi uint64) {
	n := len(key)
	switch {
	case n >= 8: // the last 8 bytes overlap the first; what is behind the first moves down
		lo = binary.LittleEndian.Uint64(key)
		hi = binary.LittleEndian.Uint64(key[n-8:]) >> (8 * (16 - n))
	case n >= 4: // overlapping bytes fall on themselves
		lo = uint64(binary.LittleEndian.Uint32(key)) | uint64(binary.LittleEndian.Uint32(key[n-4:]))<<(8*(n-4))
	case n > 0:
		lo = uint64(key[0]) | uint64(key[n/2])<<(n/2*8) | uint64(key[n-1])<<(n*8-8)
	}
	return lo, hi | uint64(n+1)<<tagShift
}

// packWide packs the first n of mapreduce.TokenReach bytes, without a branch: no processor predicts the lengths of words.
func packWide(b []byte, n int) (lo, hi uint64) {
	p := &packing[n&longest]
	return binary.LittleEndian.Uint64(b) & p.lo, binary.LittleEndian.Uint64(b[8:mapreduce.TokenReach])&p.hi | p.tag
}

// packing is, for each length, the masks of its bytes, and its tag.
var packing = func() (table [longest + 1]struct{ lo, hi, tag uint64 }) {
	for n := range table {
		p := &table[n]
		p.lo = 1<<(8*n) - 1
		p.hi = 1<<(8*max(n-8, 0)) - 1
		p.tag = uint64(n+1) << tagShift
	}
	return table
}()
