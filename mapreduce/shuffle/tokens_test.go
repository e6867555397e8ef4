package shuffle

import (
	"bytes"
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// whole is how long a text is that may have a token anywhere.
const whole = 64 + mapreduce.TokenReach

// window is a text with tokens where the bits of a mask are, the last of which may go on behind it.
type window struct {
	text         []byte
	begins, ends uint64
}

func windows() *rapid.Generator[window] {
	return rapid.Custom(func(t *rapid.T) window {
		inside := rapid.Uint64().Draw(t, "inside")
		for range rapid.IntRange(0, 20).Draw(t, "long") { // the usual tokens are short
			inside |= inside << 1
		}
		behind := inside << 1
		w := window{rapid.SliceOfN(rapid.ByteRange('a', 'b'), whole, whole).Draw(t, "text"), inside &^ behind, behind &^ inside}
		return w
	})
}

// tokens is what a window has, one by one.
func (w window) tokens() (tokens [][]byte) {
	for begins, ends := w.begins, w.ends; ends != 0; begins, ends = begins&(begins-1), ends&(ends-1) {
		tokens = append(tokens, w.text[bits.TrailingZeros64(begins):bits.TrailingZeros64(ends)])
	}
	return tokens
}

func TestTokensAreEmittedLikeWords(t *testing.T) {
	for name, combiner := range combiners {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			one, many := NewSorter(SorterConfig{Combiner: combiner}), NewSorter(SorterConfig{Combiner: combiner})
			for _, w := range rapid.SliceOfN(windows(), 1, 10).Draw(t, "windows") {
				for _, token := range w.tokens() {
					one.Emit(bytes.Clone(token), mapreduce.One())
				}
				many.EmitTokens(w.text, w.begins, w.ends)
			}
			nowhere := func(int, []byte) error { return nil }
			want, errOne := one.Flush(t.Context(), RunOwner{0, attempt(1)}, nowhere)
			got, errMany := many.Flush(t.Context(), RunOwner{0, attempt(1)}, nowhere)
			if errOne != nil || errMany != nil || got != want || many.Records() != one.Records() {
				t.Errorf("digest %x of %d records, want %x of %d, errors %v, %v",
					got, many.Records(), want, one.Records(), errMany, errOne)
			}
			records := many.Records()
			if many.EmitTokens(bytes.Repeat([]byte{'a'}, whole), 1, 2); many.Records() != records || many.Err() != nil {
				t.Errorf("%d records behind flush, error %v", many.Records()-records, many.Err())
			}
			_, _ = one.Close(), many.Close()
		}))
	}
}

func TestPackedWideOrNotKeysAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.Byte(), mapreduce.TokenReach, mapreduce.TokenReach).Draw(t, "text")
		for n := range longest + 1 {
			lo, hi := pack(bytes.Clone(text[:n]))
			if wideLo, wideHi := packWide(text, n); wideLo != lo || wideHi != hi {
				t.Fatalf("%x: %x %x, wide %x %x", text[:n], lo, hi, wideLo, wideHi)
			}
		}
	})
}

// BenchmarkEmitTokens is the words of BenchmarkEmitWords, a window of them at a time.
func BenchmarkEmitTokens(b *testing.B) {
	var list []window
	tokens, text := 0, bytes.Join(words(1<<20, 10_000), []byte(" "))
	for ; len(text) > whole; text = text[64:] {
		var inside uint64
		for i, c := range text[:64] {
			if c != ' ' {
				inside |= 1 << i
			}
		}
		list = append(list, window{text, inside &^ (inside << 1), inside << 1 &^ inside})
		tokens += bits.OnesCount64(inside << 1 &^ inside)
	}
	s := NewSorter(SorterConfig{Partitions: 2, Combiner: mapreduce.Sum})
	defer s.Close()
	for b.Loop() {
		for _, w := range list {
			s.EmitTokens(w.text, w.begins, w.ends)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(tokens), "ns/token")
}
