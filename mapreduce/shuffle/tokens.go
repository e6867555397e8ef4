package shuffle

import (
	"math/bits"

	"jetreduce/mapreduce"
)

var _ mapreduce.Tokens = (*Sorter)(nil)

// EmitTokens adds what tokens a piece of text has. A call for each word would cost more than to add it up.
func (s *Sorter) EmitTokens(text []byte, begins, ends uint64) {
	t := s.sums
	if t == nil {
		s.keepTokens(text, begins, ends)
		return
	}
	for ; ends != 0 && s.err == nil; begins, ends = begins&(begins-1), ends&(ends-1) {
		from, to := bits.TrailingZeros64(begins)&63, bits.TrailingZeros64(ends)&63
		s.records++
		if to-from > longest {
			s.addLong(text[from:to], 1)
			continue
		}
		lo, hi := packWide(text[from:from+mapreduce.TokenReach], to-from)
		if t.wait(slot{lo, hi, 1}) {
			s.settle()
		}
	}
}

func (s *Sorter) keepTokens(text []byte, begins, ends uint64) {
	for one := mapreduce.One(); ends != 0; begins, ends = begins&(begins-1), ends&(ends-1) {
		s.Emit(text[bits.TrailingZeros64(begins):bits.TrailingZeros64(ends)], one)
	}
}
