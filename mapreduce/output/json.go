package output

import (
	"encoding/base64"
	"unicode/utf8"
)

func writeJSON(r *Rows, key, value []byte) {
	if cap(r.scratch) > keepBuffer {
		r.scratch = nil // one monstrous row is not paid for until the end
	}
	row := appendMember(append(r.scratch[:0], '{'), "key", key)
	switch {
	case r.bare && len(value) == 0:
	case r.numeric && isNumber(value):
		row = append(row, `,"value":`...)
		row = append(row, value...)
	default:
		row = appendMember(append(row, ','), "value", value)
	}
	row = append(row, "}\n"...)
	r.w.Write(row)
	r.scratch = row
}

// appendMember appends "name":"text", or "name_b64":"dGV4dA==" when the text is no UTF-8: JSON has no other way to keep
// its bytes.
func appendMember(dst []byte, name string, text []byte) []byte {
	dst = append(dst, '"')
	dst = append(dst, name...)
	if utf8.Valid(text) {
		dst = append(dst, `":`...)
		return appendString(dst, text)
	}
	dst = append(dst, `_b64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, text)
	return append(dst, '"')
}

// appendString escapes only what JSON demands (RFC 8259, section 7); encoding/json would escape for HTML and JavaScript
// as well.
func appendString(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xF])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// isNumber reports whether text is a decimal number that JSON can take as it stands (RFC 8259, section 6): no sign +, no
// leading 0, no point without digits on both sides. What else may pass for a number stays a string.
func isNumber(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	whole := digits(text)
	if whole == 0 || whole > 1 && text[0] == '0' {
		return false
	}
	rest := text[whole:]
	return len(rest) == 0 || len(rest) > 1 && rest[0] == '.' && digits(rest[1:]) == len(rest)-1
}

// digits is how many ASCII digits text begins with.
func digits(text []byte) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}
