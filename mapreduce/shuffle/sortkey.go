package shuffle

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// AppendSortKey appends a key that sorts by its order key first, then by its own bytes, and that CutSortKey takes apart.
//
//	sort key   order key, 0x00 escaped as 0x00 0xFF ─▶ 0x00 0x01 ─▶ key
//
// The terminator is less than anything an escaped order key goes on with, so a shorter one comes first; the key behind it settles ties.
func AppendSortKey(dst, order, key []byte) []byte {
	dst = slices.Grow(dst, len(order)+2+len(key))
	for {
		i := bytes.IndexByte(order, 0)
		if i < 0 {
			break
		}
		dst = append(dst, order[:i]...)
		dst = append(dst, 0, 0xFF)
		order = order[i+1:]
	}
	dst = append(dst, order...)
	dst = append(dst, 0, 1)
	return append(dst, key...)
}

// CutSortKey is the key in what AppendSortKey appended to nothing: a piece of it, not a copy.
func CutSortKey(sortKey []byte) (key []byte, err error) {
	for rest := sortKey; ; rest = rest[2:] {
		i := bytes.IndexByte(rest, 0)
		if i < 0 || i+1 == len(rest) {
			return nil, errNoEnd
		}
		rest = rest[i:]
		switch rest[1] {
		case 1:
			return rest[2:], nil
		case 0xFF:
		default:
			return nil, fmt.Errorf("read sort key: 00 %02x is no escape", rest[1])
		}
	}
}

var errNoEnd = errors.New("read sort key: it does not end")
