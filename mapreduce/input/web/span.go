package web

import (
	"fmt"
	"strconv"
	"strings"
)

// span is the bytes of a resource that an answer holds: from, up to but not end, of total; -1: it does not tell.
type span struct{ from, end, total int64 }

// parseSpan reads a Content-Range (RFC 9110, section 14.4).
func parseSpan(text string) (span, error) {
	unit, rest, _ := strings.Cut(text, " ")
	extent, total, _ := strings.Cut(rest, "/")
	first, last, _ := strings.Cut(extent, "-")
	s := span{total: -1}
	var bad [3]error
	s.from, bad[0] = parseBytes(first)
	s.end, bad[1] = parseBytes(last)
	if total != "*" {
		s.total, bad[2] = parseBytes(total)
	}
	s.end++
	if !strings.EqualFold(unit, "bytes") || bad != [3]error{} || s.end <= s.from || s.total >= 0 && s.end > s.total {
		return span{}, fmt.Errorf("parse content range %q: not `bytes first-last/total`", text)
	}
	return s, nil
}

// parseBytes reads a number of bytes, digits only.
func parseBytes(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err
}
