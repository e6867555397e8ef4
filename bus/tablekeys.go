package bus

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"jetreduce/mapreduce"
)

// naming makes a key of a bucket, or a token of a subject, of a row's key. No two keys get one name.
type naming func(key []byte) (name string, err error)

// The longest name of a row: a server takes lines of 4096 bytes, with a reply subject and more on them.
const maxRowName = 2048

// The ways to name rows, by what stands in a target's ?keys=….
var namings = map[string]naming{"": plainKey, "plain": plainKey, "base64": base64Key, "escape": escapedKey}

// plainKey is the key itself, if a bucket can have it.
func plainKey(key []byte) (string, error) {
	name := string(key)
	if !validKey(name) {
		return "", mapreduce.Permanentf("a bucket has no key %q, only A-Z a-z 0-9 - / _ = and single dots within: "+
			"add ?keys=escape or ?keys=base64 to the output", short(key))
	}
	return name, nil
}

// base64Key has no padding, so that = alone is free for the empty key.
func base64Key(key []byte) (string, error) {
	if len(key) == 0 {
		return "=", nil
	}
	return base64.RawURLEncoding.EncodeToString(key), nil
}

// escapedKey keeps what a bucket takes, and writes every other byte as = and two hexadecimal digits.
func escapedKey(key []byte) (string, error) {
	return escape(key, func(i int) bool { return i > 0 && i < len(key)-1 && key[i-1] != '.' }), nil
}

// escapedToken is escapedKey without dots, which would part it.
func escapedToken(key []byte) (string, error) {
	return escape(key, func(int) bool { return false }), nil
}

// escape writes = alone for nothing: no other key has it, for = itself is =3D.
func escape(key []byte, keepsDot func(i int) bool) string {
	if len(key) == 0 {
		return "="
	}
	const digits = "0123456789ABCDEF"
	var name strings.Builder
	for i, c := range key {
		if c != '=' && keyByte(c) || c == '.' && keepsDot(i) {
			name.WriteByte(c)
		} else {
			name.Write([]byte{'=', digits[c>>4], digits[c&15]})
		}
	}
	return name.String()
}

// keyByte reports whether keys of buckets may have a byte, but for dots.
func keyByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-/_=", c) >= 0
}

func validKey(name string) bool {
	for i := range len(name) {
		if c := name[i]; !keyByte(c) && (c != '.' || i == 0 || i == len(name)-1 || name[i-1] == '.') {
			return false
		}
	}
	return name != ""
}

// short is a key for a message to the user.
func short(key []byte) []byte {
	const enough = 200
	return key[:min(len(key), enough)]
}

// subjectOf is the naming of a stream's messages: a template in which {key} stands for the row's key.
func subjectOf(template string, token naming) (naming, error) {
	if !validSubject(strings.ReplaceAll(template, "{key}", "x")) || strings.ContainsAny(strings.ReplaceAll(template, "{key}", ""), "{}") {
		return nil, mapreduce.Permanentf("subject %q of the output: use a subject without wildcards, and {key} for the row's key", template)
	}
	return func(key []byte) (string, error) {
		name, err := token(key)
		return strings.ReplaceAll(template, "{key}", name), err
	}, nil
}

// validSubject reports whether messages can be published on a subject.
func validSubject(subject string) bool {
	for token := range strings.SplitSeq(subject, ".") {
		if token == "" || token == "*" || token == ">" {
			return false
		}
	}
	return !strings.ContainsAny(subject, " \t\r\n\x00") && utf8.ValidString(subject)
}

// takes reports whether a pattern of a stream's takes a subject.
func takes(pattern, subject string) bool {
	for {
		p, patterns, more := strings.Cut(pattern, ".")
		s, subjects, goesOn := strings.Cut(subject, ".")
		switch {
		case p == ">":
			return true
		case p != "*" && p != s || more != goesOn:
			return false
		case !more:
			return true
		}
		pattern, subject = patterns, subjects
	}
}
