package streaming

import (
	"bytes"

	"jetreduce/mapreduce"
)

// keyOrder is what decides the order of keys where a job sorts them; nil: their bytes do.
//
// It is made of the keys of the sort, one behind the other, so that unsigned bytes decide: no one is the beginning of another, so what
// follows does not matter where two differ. Reversed, all bits are.
func keyOrder(c mapreduce.Commands) func(dst, key []byte) []byte {
	sorts, err := mapreduce.ParseKeySort(c.Sort)
	if err != nil || len(sorts) == 0 { // a job whose sort cannot be read is not valid
		return nil
	}
	separator := c.FieldSeparator()
	return func(dst, key []byte) []byte {
		for _, sort := range sorts {
			begin, span := len(dst), between(key, sort, separator)
			if sort.Numeric {
				dst = appendNumber(dst, span)
			} else {
				dst = appendText(dst, span)
			}
			if sort.Reverse {
				complement(dst[begin:])
			}
		}
		return dst
	}
}

// between is the fields by which a sort decides, with the separators between them; nothing, where a key has none of them.
func between(key []byte, sort mapreduce.KeySort, separator byte) []byte {
	if sort.From > 1 {
		before := prefix(key, sort.From-1, separator)
		if before == len(key) {
			return nil
		}
		key = key[before+1:]
	}
	if sort.To == 0 {
		return key
	}
	return key[:prefix(key, sort.To-sort.From+1, separator)]
}

// appendText appends a text and what ends it. A NUL is escaped, so that the end is before anything that could stand there.
func appendText(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, 0)
		if i < 0 {
			return append(append(dst, text...), 0, 0)
		}
		dst = append(append(dst, text[:i]...), 0, 0xff)
		text = text[i+1:]
	}
}

// Signs of numbers, in their order.
const (
	negative = 0x7f
	zero     = 0x80
	positive = 0x81
)

// appendNumber appends the number that a text begins with, of any size and precision, as sort -n reads it: blanks, a minus, digits, a
// point and digits. No number is 0.
//
//	sign, how many digits stand before the point, digits without the zeros at both ends, 0; of a negative one the complement
func appendNumber(dst, text []byte) []byte {
	minus, whole, fraction := number(text)
	if len(whole)+len(fraction) == 0 {
		return append(dst, zero)
	}
	sign := byte(positive)
	if minus {
		sign = negative
	}
	dst = append(dst, sign)
	begin := len(dst)
	dst = append(appendLength(dst, len(whole)), whole...)
	dst = append(append(dst, fraction...), 0)
	if minus {
		complement(dst[begin:])
	}
	return dst
}

// number reads a number, without the zeros at both ends.
func number(text []byte) (minus bool, whole, fraction []byte) {
	text = bytes.TrimLeft(text, " \t\n")
	if minus = len(text) > 0 && text[0] == '-'; minus {
		text = text[1:]
	}
	whole = digits(text)
	if rest := text[len(whole):]; len(rest) > 0 && rest[0] == '.' {
		fraction = bytes.TrimRight(digits(rest[1:]), "0")
	}
	return minus, bytes.TrimLeft(whole, "0"), fraction
}

// digits is the digits that a text begins with.
func digits(text []byte) []byte {
	for i, c := range text {
		if c < '0' || c > '9' {
			return text[:i]
		}
	}
	return text
}

// appendLength appends a length: one byte, or 0xff and eight.
func appendLength(dst []byte, n int) []byte {
	if n < 0xff {
		return append(dst, byte(n))
	}
	dst = append(dst, 0xff)
	for shift := 56; shift >= 0; shift -= 8 {
		dst = append(dst, byte(n>>shift))
	}
	return dst
}

func complement(part []byte) {
	for i := range part {
		part[i] = ^part[i]
	}
}
