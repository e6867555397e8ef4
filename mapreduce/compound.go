package mapreduce

import "bytes"

// A compound key is a key with something behind it by which the values of that key are sorted: all of one key stand together, in the order
// of the keys' own bytes, whatever bytes these are. With GroupOf as a program's Group that is a secondary sort.
//
//	key, 0x00 escaped as 0x00 0xFF ─▶ 0x00 0x01 ─▶ what decides within the key
//	└──────────────── group ────────────────┘

// AppendGroup appends the part of a compound key that all values of the key share. What decides among them is appended behind it.
func AppendGroup(dst, key []byte) []byte {
	for {
		i := bytes.IndexByte(key, 0)
		if i < 0 {
			dst = append(dst, key...)
			return append(dst, 0, 1)
		}
		dst = append(dst, key[:i]...)
		dst = append(dst, 0, 0xFF)
		key = key[i+1:]
	}
}

// GroupOf is the part of a compound key that all values of the key share.
func GroupOf(compound []byte) []byte {
	for at := 0; ; {
		i := bytes.IndexByte(compound[at:], 0)
		if i < 0 || at+i+1 >= len(compound) {
			return compound
		}
		if at += i + 2; compound[at-1] == 1 {
			return compound[:at:at]
		}
	}
}

// AppendGroupKey appends the key that a compound one was made of.
func AppendGroupKey(dst, compound []byte) []byte {
	group := GroupOf(compound)
	key := group[:max(0, len(group)-2)]
	for {
		i := bytes.IndexByte(key, 0)
		if i < 0 || i+2 > len(key) {
			return append(dst, key...)
		}
		dst = append(dst, key[:i+1]...)
		key = key[i+2:]
	}
}
