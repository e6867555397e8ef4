package tcp

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Everything that is written is ASCII: an original decodes each 4096 bytes that it reads on their own.

func appendRegister(dst []byte, id string, length bool) []byte {
	dst = appendString(append(dst, `{"task":"register","id":`...), id)
	if length {
		dst = append(dst, `,"framing":"length"`...)
	}
	return append(dst, '}')
}

func appendMapRequest(dst, blob []byte) []byte {
	return append(appendText(append(dst, `{"task":"map_request","blob":`...), blob), '}')
}

func appendReply(dst []byte, task string, value Histogram) []byte {
	dst = append(append(append(dst, `{"task":"`...), task...), `","value":`...)
	return append(appendHistogram(dst, value), '}')
}

func appendReduceRequest(dst []byte, a, b Histogram) []byte {
	dst = appendHistogram(append(dst, `{"task":"reduce_request","value":[`...), a)
	return append(appendHistogram(append(dst, ','), b), `]}`...)
}

// appendBackup is what a backup says of itself.
func appendBackup(dst []byte, announce Addr, native bool) []byte {
	dst = appendAddr(append(dst, `{"task":"reg_backup","addr":`...), announce)
	if native {
		dst = append(dst, `,"native":true`...)
	}
	return append(dst, '}')
}

// appendTell is what a worker is told of a backup.
func appendTell(dst []byte, backup Addr) []byte {
	return append(appendAddr(append(dst, `{"task":"reg_backup","value":`...), backup), '}')
}

func appendUpdate(dst []byte, index int, value []Histogram) []byte {
	dst = append(dst, `{"task":"update","value":[`...)
	for i, histogram := range value {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendHistogram(dst, histogram)
	}
	dst = append(dst, `],"index":`...)
	return append(strconv.AppendInt(dst, int64(index), 10), '}')
}

func appendAddr(dst []byte, addr Addr) []byte {
	dst = append(appendString(append(dst, '['), addr.Host), ',')
	return append(strconv.AppendInt(dst, int64(addr.Port), 10), ']')
}

func appendHistogram(dst []byte, histogram Histogram) []byte {
	dst = append(dst, '[')
	for i, count := range histogram {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(append(dst, '['), count.Word), ',')
		dst = append(strconv.AppendInt(dst, count.N, 10), ']')
	}
	return append(dst, ']')
}

// appendText is appendString of a text as Python reads one: CR LF and CR are LF.
func appendText(dst, text []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		plain := plainly(text[i:])
		dst, i = append(dst, text[i:i+plain]...), i+plain
		switch {
		case i == len(text):
		case text[i] != '\r':
			dst, i = appendCharacter(dst, text, i)
		default:
			dst = append(dst, `\n`...)
			if i++; i < len(text) && text[i] == '\n' {
				i++
			}
		}
	}
	return append(dst, '"')
}

// plainly is how many bytes a text begins with that stand for themselves in a JSON string.
func plainly[T []byte | string](text T) int {
	for i := range len(text) {
		if !plain[text[i]] {
			return i
		}
	}
	return len(text)
}

var plain = func() (plain [256]bool) {
	for c := ' '; c < 0x7F; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

func appendString[T []byte | string](dst []byte, text T) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		plain := plainly(text[i:])
		dst, i = append(dst, text[i:i+plain]...), i+plain
		if i < len(text) {
			dst, i = appendCharacter(dst, text, i)
		}
	}
	return append(dst, '"')
}

// appendCharacter writes the character at i, and returns where the next one is.
func appendCharacter[T []byte | string](dst []byte, text T, i int) ([]byte, int) {
	c := text[i]
	if c < utf8.RuneSelf {
		return appendASCII(dst, c), i + 1
	}
	r, size := utf8.DecodeRuneInString(string(text[i:min(len(text), i+utf8.UTFMax)]))
	switch {
	case r == utf8.RuneError && size == 1:
		dst = appendHex(dst, loneByte+rune(c))
	case r > 0xFFFF:
		high, low := utf16.EncodeRune(r)
		dst = appendHex(appendHex(dst, high), low)
	default:
		dst = appendHex(dst, r)
	}
	return dst, i + size
}

func appendASCII(dst []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c == '\n':
		return append(dst, `\n`...)
	case c < ' ' || c == 0x7F:
		return appendHex(dst, rune(c))
	}
	return append(dst, c)
}

func appendHex(dst []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

// written is how many bytes appendString makes of a word.
func written(word []byte) int {
	size := len(`""`)
	var aside [2 * len(`\u0000`)]byte
	for i := 0; i < len(word); {
		plain := plainly(word[i:])
		size, i = size+plain, i+plain
		if i < len(word) {
			var character []byte
			character, i = appendCharacter(aside[:0], word, i)
			size += len(character)
		}
	}
	return size
}
