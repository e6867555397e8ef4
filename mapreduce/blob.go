package mapreduce

import (
	"unicode"
	"unicode/utf8"
)

// splitCharacters is how many characters a split has at least, where blobs are smaller.
const splitCharacters = 16 << 10

// BlobsOfSplit is how many blobs of so many characters a split has; the last of a file may have fewer.
func BlobsOfSplit(characters int) int { return max(1, splitCharacters/characters) }

// BlobEnd is how many bytes the first blob of a text has, as the original system cuts it: so many characters, a CR LF or a CR
// being one LF and a byte that is no UTF-8 a character, then all up to and with the next white space. It is 0 when the text may
// go on and holds no whole blob; at the end of its file what is left is the last.
//
//	so many| characters_and the rest of a wo|rd
//	       ^ counted    ^ the blob's end
func BlobEnd(text []byte, characters int, atEnd bool) int {
	for at, counted := 0, 0; ; {
		r, width := character(text[at:], atEnd)
		if width == 0 {
			break
		}
		at += width
		if counted++; counted >= characters && isSpace(r) {
			return at
		}
	}
	if atEnd {
		return len(text)
	}
	return 0
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
