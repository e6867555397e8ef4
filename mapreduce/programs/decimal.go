package programs

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"strconv"
)

// decimal is a number as people write it, exactly: 0.digits × 10^exponent. Zero has no digits; others neither begin nor end with a 0.
type decimal struct {
	negative bool
	digits   []byte
	exponent int
}

// maxExponent bounds what a few bytes can ask for: 1e999999999 has as many digits.
const maxExponent = 1000

// parseDecimal reads [+-]digits[.digits][e[+-]digits].
func parseDecimal(text []byte) (d decimal, ok bool) {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		d.negative, text = text[0] == '-', text[1:]
	}
	mantissa, power := text, 0
	if e := bytes.IndexAny(text, "eE"); e >= 0 {
		var err error
		if power, err = strconv.Atoi(string(text[e+1:])); err != nil {
			return d, false
		}
		mantissa = text[:e]
	}
	before, behind, _ := bytes.Cut(mantissa, []byte("."))
	digits := append(append(make([]byte, 0, len(mantissa)), before...), behind...)
	if len(digits) == 0 || !onlyDigits(digits) {
		return d, false
	}
	trimmed := bytes.TrimLeft(digits, "0")
	d.exponent = len(before) - (len(digits) - len(trimmed)) + power
	if d.digits = bytes.TrimRight(trimmed, "0"); len(d.digits) == 0 {
		return decimal{}, true
	}
	// Not by -power: of the least number it is that number again.
	return d, max(power, d.exponent, len(d.digits)) <= maxExponent && min(power, d.exponent) >= -maxExponent
}

func onlyDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// appendOrder appends what orders numbers by unsigned bytes, and nothing else can follow.
//
//	negative   0, all that follows inverted: exponent, digits, 0x00
//	zero       1
//	positive   2, exponent in 2 bytes, digits, 0x00
func (d decimal) appendOrder(dst []byte) []byte {
	if len(d.digits) == 0 {
		return append(dst, 1)
	}
	begin := len(dst)
	dst = binary.BigEndian.AppendUint16(append(dst, 2), uint16(d.exponent+1<<15))
	dst = append(append(dst, d.digits...), 0)
	if d.negative {
		for i := begin + 1; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
		dst[begin] = 0
	}
	return dst
}

// appendText appends the number without an exponent.
func (d decimal) appendText(dst []byte) []byte {
	if len(d.digits) == 0 {
		return append(dst, '0')
	}
	if d.negative {
		dst = append(dst, '-')
	}
	if d.exponent <= 0 {
		dst = append(dst, "0."...)
		return append(append(dst, bytes.Repeat([]byte("0"), -d.exponent)...), d.digits...)
	}
	if n := len(d.digits); d.exponent >= n {
		return append(append(dst, d.digits...), bytes.Repeat([]byte("0"), d.exponent-n)...)
	}
	return append(append(append(dst, d.digits[:d.exponent]...), '.'), d.digits[d.exponent:]...)
}

// total is an exact sum: of is in units of 10^-scale.
type total struct {
	of    big.Int
	scale int
}

// add adds a number so many times.
func (t *total) add(d decimal, times int64) {
	if len(d.digits) == 0 {
		return
	}
	n, _ := new(big.Int).SetString(string(d.digits), 10)
	if n.Mul(n, big.NewInt(times)); d.negative {
		n.Neg(n)
	}
	switch scale := len(d.digits) - d.exponent; {
	case scale > t.scale:
		t.of.Mul(&t.of, tenTo(scale-t.scale))
		t.scale = scale
	case scale < t.scale:
		n.Mul(n, tenTo(t.scale-scale))
	}
	t.of.Add(&t.of, n)
}

func tenTo(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// over is the sum divided by a number, with so many decimal places at most.
func (t *total) over(n int64, places int) []byte {
	quotient := new(big.Rat).SetFrac(&t.of, new(big.Int).Mul(tenTo(t.scale), big.NewInt(n)))
	text := quotient.FloatString(places)
	if d, ok := parseDecimal([]byte(text)); ok {
		return d.appendText(nil)
	}
	return []byte(text) // of more digits than a number may have
}

// text is the sum, exactly.
func (t *total) text() []byte { return t.over(1, t.scale) }
