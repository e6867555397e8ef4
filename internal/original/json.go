package original

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Count is how often a word was met.
type Count struct {
	Word string
	N    int64
}

// Histogram is words and their counts.
type Histogram []Count

// Sum is what a histogram comes to, repeats added up.
func (h Histogram) Sum() map[string]int64 {
	sum := map[string]int64{}
	for _, count := range h {
		sum[count.Word] += count.N
	}
	return sum
}

// UnmarshalJSON reads ["word", 1].
func (c *Count) UnmarshalJSON(data []byte) error {
	var word text
	pair := []any{&word, &c.N}
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return errors.New("not a pair")
	}
	c.Word = string(word)
	return nil
}

// text is a string as Python has it: a byte that is no UTF-8 is a lone surrogate on the wire.
type text string

// UnmarshalJSON reads a literal, lone surrogates among the rest.
func (t *text) UnmarshalJSON(data []byte) error {
	if len(data) < 2 || data[0] != '"' {
		return fmt.Errorf("%.40q is no string", data)
	}
	var out []byte
	for i := 1; i < len(data)-1; {
		unit, escaped := unicodeEscape(data[i:])
		next, _ := unicodeEscape(data[min(i+6, len(data)):])
		switch pair := utf16.DecodeRune(unit, next); {
		case escaped && pair != utf8.RuneError:
			out, i = utf8.AppendRune(out, pair), i+12
		case escaped && unit >= 0xDC80 && unit <= 0xDCFF:
			out, i = append(out, byte(unit)), i+6
		case escaped:
			out, i = utf8.AppendRune(out, unit), i+6
		case data[i] == '\\':
			out, i = append(out, simple(data[i+1])), i+2
		default:
			out, i = append(out, data[i]), i+1
		}
	}
	*t = text(out)
	return nil
}

// unicodeEscape is the UTF-16 unit that an escape stands for.
func unicodeEscape(data []byte) (unit rune, escaped bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	return rune(n), err == nil
}

func simple(c byte) byte {
	if at := strings.IndexByte("bfnrt", c); at >= 0 {
		return "\b\f\n\r\t"[at]
	}
	return c
}

// dumps writes as json.dumps does: ASCII, with a space behind each comma and colon. It knows strings, numbers, histograms and lists, and
// objects as lists of a field's name and value in turn.
func dumps(value any) string {
	switch v := value.(type) {
	case string:
		return quote(v)
	case Count:
		return "[" + quote(v.Word) + ", " + strconv.FormatInt(v.N, 10) + "]"
	case Histogram:
		return list(v)
	case []Histogram:
		return list(v)
	case []any:
		return list(v)
	case object:
		fields := make([]string, len(v)/2)
		for i := range fields {
			fields[i] = dumps(v[2*i]) + ": " + dumps(v[2*i+1])
		}
		return "{" + strings.Join(fields, ", ") + "}"
	}
	return fmt.Sprint(value)
}

type object []any

func list[T any](values []T) string {
	var out strings.Builder
	out.WriteByte('[')
	for i, value := range values {
		if i > 0 {
			out.WriteString(", ")
		}
		out.WriteString(dumps(value))
	}
	out.WriteByte(']')
	return out.String()
}

func quote(s string) string {
	out := []byte{'"'}
	for i, r := range s {
		switch at := strings.IndexRune("\"\\\n\r\t\f\b", r); {
		case at >= 0:
			out = append(out, '\\', `"\nrtfb`[at])
		case r >= ' ' && r <= '~':
			out = append(out, byte(r))
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			out = fmt.Appendf(out, `\u%04x`, 0xDC00+int(s[i]))
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return string(append(out, '"'))
}
