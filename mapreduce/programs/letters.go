package programs

import (
	"unicode"
	"unicode/utf8"
)

// class is what the word rule does with a byte.
type class uint8

const (
	space   class = iota // ends a token
	deleted              // ASCII digits and punctuation
	small                // a letter that stays, also NUL and other controls
	capital              // A–Z
	wide                 // 0x80 and above: the rune decides
)

// classOf is constant.
var classOf = func() (table [256]class) {
	for i := range table {
		switch c := byte(i); {
		case c >= utf8.RuneSelf:
			table[i] = wide
		case c == ' ' || c >= '\t' && c <= '\r' || c >= 0x1C && c <= 0x1F:
			table[i] = space
		case c >= 'A' && c <= 'Z':
			table[i] = capital
		case c >= 'a' && c <= 'z' || c < ' ' || c == 0x7F:
			table[i] = small
		default:
			table[i] = deleted
		}
	}
	return table
}()

// isWideSpace reports whether a rune beyond ASCII is white space as Python sees it.
func isWideSpace(r rune) bool {
	switch r {
	case 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
		return true
	}
	return r >= 0x2000 && r <= 0x200A
}

// appendWide appends what the word rule makes of the rune r, which is beyond ASCII, not white space, and stands at i in
// the token with the given size. The token may go on into later text: white space ends every context.
func appendWide(dst, token []byte, i int, r rune, size int) []byte {
	switch {
	case r == '«' || r == '»':
		return dst
	case size == 1 || caseless(r): // size 1: no UTF-8
		return append(dst, token[i:i+size]...)
	case r == 'İ': // the only rune that becomes two
		return append(dst, "i\u0307"...)
	case r == 'Σ' && endsWord(token, i):
		return append(dst, "ς"...)
	}
	return utf8.AppendRune(dst, unicode.ToLower(r))
}

// caseless knows the blocks of frequent runes without upper case, to save a search: small Latin-1 letters, general
// punctuation (curly quotes, dashes), Chinese, Japanese, Korean.
func caseless(r rune) bool {
	return r >= 0xDF && r <= 0xFF || r >= 0x2000 && r < 0x2100 || r >= 0x3000 && r < 0xA000 || r >= 0xAC00 && r < 0xE000
}

// endsWord reports whether the capital sigma at i is final: a cased letter before it and none after it, looking past
// what is case-ignorable on both sides. (Unicode, section 3.13, Final_Sigma; x/text/cases gives up after 30 runes.)
//
// Each stretch of ignorable runes lies between two sigmas at most, so the time for a text stays linear.
func endsWord(token []byte, i int) bool {
	before, after := token[:i], token[i+len("Σ"):]
	for {
		r, size := utf8.DecodeLastRune(before)
		if size == 0 {
			return false
		}
		if !isIgnorable(r) {
			if !isCased(r) {
				return false
			}
			break
		}
		before = before[:len(before)-size]
	}
	for {
		r, size := utf8.DecodeRune(after)
		if !isIgnorable(r) {
			return size == 0 || !isCased(r)
		}
		after = after[size:]
	}
}

// isCased is Unicode's property Cased. The rune that stands for bad UTF-8 has it not.
func isCased(r rune) bool {
	return unicode.In(r, unicode.Ll, unicode.Lu, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// isIgnorable is Unicode's property Case_Ignorable: the categories that it names, and the characters whose Word_Break is
// MidLetter, MidNumLet or Single_Quote, which package unicode does not tell.
func isIgnorable(r rune) bool {
	switch r {
	case '\'', '.', ':', '·', 0x0387, 0x055F, 0x05F4, 0x2018, 0x2019, 0x2024, 0x2027,
		0xFE13, 0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A:
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}
