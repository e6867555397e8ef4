package mapreduce

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// MaxBlob bounds the characters of a blob.
const MaxBlob = 8 << 20

// Splits of blobs: some dozens of a file, so that many workers have something to do and an original backup hears of progress, but
// none that is not worth its commit, or that is much to lose.
const (
	blobSplits   = 64
	minBlobSplit = 4 << 10 // characters
	maxBlobSplit = 256 << 10
)

// BlobsOfSplit is how many blobs of so many characters (1 to MaxBlob) a split has, in a file of so many bytes; the last may have
// fewer.
func BlobsOfSplit(characters int, size int64) int {
	return max(1, int(min(max(size/blobSplits, minBlobSplit), maxBlobSplit))/characters)
}

// BlobEnd is how many bytes the first blob of a text has, as the original system cuts it: so many characters, a CR LF or a CR
// being one LF and a byte that is no UTF-8 a character, then all up to and with the next white space. It is 0 when the text may
// go on and holds no whole blob; at the end of its file what is left is the last.
//
//	so many| characters_and the rest of a wo|rd
//	       ^ counted    ^ the blob's end
func BlobEnd(text []byte, characters int, atEnd bool) int {
	n, ends := (&BlobCounter{Characters: characters}).Count(text, atEnd)
	if ends || atEnd {
		return n
	}
	return 0
}

// BlobCounter looks for the end of a blob in a text that comes in parts.
type BlobCounter struct {
	Characters int // of a blob, at least

	counted int
}

// Count counts on, up to the end of the blob or of the text: n bytes, and whether the blob ends there, so that the next call
// begins another. What is left over of a text that may go on is a part of a character, to be put before what follows.
func (b *BlobCounter) Count(text []byte, atEnd bool) (n int, ends bool) {
	for {
		simple := asciiRun(text[n:], b.Characters-1-b.counted)
		n, b.counted = n+simple, b.counted+simple
		r, width := character(text[n:], atEnd)
		if width == 0 {
			return n, false
		}
		n += width
		if b.counted++; b.counted >= b.Characters && isSpace(r) {
			b.counted = 0
			return n, true
		}
	}
}

// asciiRun is how many characters of one byte a text surely begins with, of so many that are looked for: ASCII, and no CR, eight at a time.
// The character at which a blob may end is never among them.
func asciiRun(text []byte, most int) (n int) {
	const each, high = 0x0101010101010101, 0x8080808080808080
	const cr = '\r' * each
	for ; n+8 <= min(most, len(text)); n += 8 {
		eight := binary.LittleEndian.Uint64(text[n:])
		if crs := eight ^ cr; (eight|(crs-each)&^crs)&high != 0 {
			break
		}
	}
	return n
}

// character is the first of a text, and its width; 0: there is none, or the rest of it is still to come.
func character(text []byte, atEnd bool) (rune, int) {
	switch {
	case len(text) == 0 || !atEnd && (!utf8.FullRune(text) || len(text) == 1 && text[0] == '\r'):
		return 0, 0
	case text[0] == '\r' && len(text) > 1 && text[1] == '\n':
		return '\n', 2
	case text[0] < utf8.RuneSelf:
		return rune(text[0]), 1
	}
	return utf8.DecodeRune(text)
}

// isSpace reports white space as Python's str.isspace does for what text is split at.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
