package tcp

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON strictly. Strings are decoded in place, so that they cost nothing: what is escaped is longer than what
// it stands for. It knows, as encoding/json does not, Python's way to carry a byte that is no UTF-8: a lone surrogate.
type scanner struct {
	text []byte // must be UTF-8
	at   int
}

// maxDepth is how deep values that nobody reads may nest.
const maxDepth = 64

var (
	errEnds    = errors.New("the JSON ends too early")
	errTooDeep = errors.New("values nest too deep")
	errControl = errors.New("control character in a string")
)

func (s *scanner) space() {
	for s.at < len(s.text) && isSpace(s.text[s.at]) {
		s.at++
	}
}

// peek is the next byte behind white space, or 0.
func (s *scanner) peek() byte {
	s.space()
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

// expect takes one byte behind white space.
func (s *scanner) expect(c byte) error {
	if got := s.peek(); got != c || s.at == len(s.text) {
		return s.unexpected(string(c))
	}
	s.at++
	return nil
}

func (s *scanner) unexpected(wanted string) error {
	if s.at >= len(s.text) {
		return errEnds
	}
	return fmt.Errorf("%s expected at byte %d, not %q", wanted, s.at, s.text[s.at])
}

// more reports whether a list goes on, and takes the comma or the closing byte.
func (s *scanner) more(first bool, closing byte) (bool, error) {
	if s.peek() == closing {
		s.at++
		return false, nil
	}
	if first {
		return true, nil
	}
	return true, s.expect(',')
}

// each reads a list, item by item.
func (s *scanner) each(opening, closing byte, item func() error) error {
	if err := s.expect(opening); err != nil {
		return err
	}
	for first := true; ; first = false {
		if more, err := s.more(first, closing); !more || err != nil {
			return err
		}
		if err := item(); err != nil {
			return err
		}
	}
}

// str reads a string. It is a piece of the text, decoded.
func (s *scanner) str() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.unexpected("a string")
	}
	s.at++
	begin := s.at
	for i, c := range s.text[begin:] {
		switch {
		case plain[c] || c > 0x7E:
		case c == '"':
			s.at = begin + i + 1
			return s.text[begin : begin+i : begin+i], nil
		case c == '\\':
			s.at = begin + i
			return s.escaped(begin)
		default:
			return nil, errControl
		}
	}
	s.at = len(s.text)
	return nil, errEnds
}

// escaped goes on with a string from its first escape. An escape is written over what has been read.
func (s *scanner) escaped(begin int) ([]byte, error) {
	out := s.text[begin:s.at]
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch {
		case c == '"':
			return out[:len(out):len(out)], nil
		case c < ' ':
			return nil, errControl
		case c != '\\':
			out = append(out, c)
		default:
			var err error
			if out, err = s.escape(out); err != nil {
				return nil, err
			}
		}
	}
	return nil, errEnds
}

// escape reads what follows a backslash.
func (s *scanner) escape(out []byte) ([]byte, error) {
	if s.at == len(s.text) {
		return nil, errEnds
	}
	c := s.text[s.at]
	s.at++
	switch c {
	case '"', '\\', '/':
		return append(out, c), nil
	case 'b':
		return append(out, '\b'), nil
	case 'f':
		return append(out, '\f'), nil
	case 'n':
		return append(out, '\n'), nil
	case 'r':
		return append(out, '\r'), nil
	case 't':
		return append(out, '\t'), nil
	case 'u':
		return s.unicode(out)
	}
	return nil, fmt.Errorf("unknown escape \\%c", c)
}

// unicode reads what follows \u. A low surrogate that is alone may be a byte; any other that is alone is nothing.
func (s *scanner) unicode(out []byte) ([]byte, error) {
	r, err := s.hex()
	if err != nil {
		return nil, err
	}
	switch {
	case !utf16.IsSurrogate(r):
		return utf8.AppendRune(out, r), nil
	case r >= loneByte+0x80 && r <= loneByte+0xFF:
		return append(out, byte(r-loneByte)), nil
	case r < loneByte && s.at+1 < len(s.text) && s.text[s.at] == '\\' && s.text[s.at+1] == 'u':
		s.at += 2
		low, err := s.hex()
		if err != nil {
			return nil, err
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return utf8.AppendRune(out, pair), nil
		}
	}
	return nil, fmt.Errorf("lone surrogate \\u%04x", r)
}

// loneByte is the surrogate that Python adds a byte that is no UTF-8 to (PEP 383).
const loneByte = 0xDC00

func (s *scanner) hex() (rune, error) {
	if len(s.text)-s.at < 4 {
		return 0, errEnds
	}
	var r rune
	for _, c := range s.text[s.at : s.at+4] {
		digit, ok := hexDigit(c)
		if !ok {
			return 0, fmt.Errorf("%q is no hexadecimal digit", c)
		}
		r = r<<4 | digit
	}
	s.at += 4
	return r, nil
}

func hexDigit(c byte) (rune, bool) {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0'), true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10, true
	}
	return 0, false
}

// integer reads a whole number that is not negative.
func (s *scanner) integer() (int64, error) {
	c := s.peek()
	if c == '-' {
		return 0, errors.New("a negative number")
	}
	if c < '0' || c > '9' {
		return 0, s.unexpected("a number")
	}
	begin, n := s.at, int64(0)
	for ; s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9'; s.at++ {
		d := int64(s.text[s.at] - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, errors.New("a number beyond 64 bits")
		}
		n = 10*n + d
	}
	switch {
	case c == '0' && s.at-begin > 1:
		return 0, errors.New("a number that begins with 0")
	case s.at < len(s.text) && (s.text[s.at] == '.' || s.text[s.at]|0x20 == 'e'):
		return 0, errors.New("a number that is not whole")
	}
	return n, nil
}
