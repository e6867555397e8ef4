package output

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// maxExponent bounds the exponents that are understood; no number that is meant has a larger one.
const maxExponent = 1 << 50

// appendNumber appends a decimal number of any size and precision in a form whose unsigned bytes order as numbers do; ok is whether text is
// one: perhaps a sign, digits, perhaps a point among them, perhaps an exponent; white space around it is none of it.
//
//	0         80
//	positive  81 │ where the point is, 8B │ digits without zeros around them
//	negative  7F │ all of that inverted                                      │ FF
func appendNumber(dst, text []byte) (number []byte, ok bool) {
	text = bytes.TrimSpace(text)
	negative := len(text) > 0 && text[0] == '-'
	if negative || len(text) > 0 && text[0] == '+' {
		text = text[1:]
	}
	text, exponent, ok := cutExponent(text)
	whole, fraction, _ := bytes.Cut(text, []byte{'.'})
	if !ok || len(whole)+len(fraction) == 0 || digits(whole) != len(whole) || digits(fraction) != len(fraction) {
		return dst, false
	}
	start := len(dst)
	dst = append(dst, "\x81--------"...)
	dst = append(append(dst, whole...), fraction...)
	figures := dst[start+9:]
	leading := len(figures) - len(bytes.TrimLeft(figures, "0"))
	if leading == len(figures) {
		return append(dst[:start], 0x80), true
	}
	point := int64(len(whole)-leading) + exponent // behind so many of the figures that stay
	binary.BigEndian.PutUint64(dst[start+1:], uint64(point)+1<<63)
	dst = dst[:start+9+copy(figures, bytes.TrimRight(figures[leading:], "0"))]
	if negative {
		dst = append(invert(dst, start), 0xFF)
	}
	return dst, true
}

func invert(number []byte, from int) []byte {
	for i := range number[from:] {
		number[from+i] ^= 0xFF
	}
	number[from] = 0x7F
	return number
}

// cutExponent cuts off what stands behind e or E.
func cutExponent(text []byte) (figures []byte, exponent int64, ok bool) {
	at := bytes.IndexAny(text, "eE")
	if at < 0 {
		return text, 0, true
	}
	exponent, err := strconv.ParseInt(string(text[at+1:]), 10, 64)
	return text[:at], exponent, err == nil && exponent > -maxExponent && exponent < maxExponent
}
