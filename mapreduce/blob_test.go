package mapreduce_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func TestBlobsEndBehindTheNextWhiteSpace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text       string
		characters int
		atEnd      bool
		want       int
	}{
		{"one two three", 3, true, 4},
		{"one two three", 4, true, 4}, // the fourth is white space
		{"one two three", 5, true, 8},
		{"one two three", 10, true, 13},
		{"one two three", 10, false, 0}, // the word may go on
		{"ab\r\ncd ", 2, true, 4},       // one character
		{"ab\r\ncd ", 3, true, 4},
		{"ab\r\ncd ", 4, true, 7},
		{"ab\rcd ", 2, true, 3},
		{"ab\r", 2, false, 0}, // a LF may follow
		{"ção de", 2, true, 6},
		{"\xff\xfe x", 2, true, 3},    // bytes that are no UTF-8 are characters
		{"a\u2003b\x1cc", 1, true, 4}, // white space of all kinds
		{"a\xc2", 1, false, 0},        // a part of a character
		{"b\x1cc", 1, true, 2},
		{"", 5, true, 0},
	} {
		if got := mapreduce.BlobEnd([]byte(c.text), c.characters, c.atEnd); got != c.want {
			t.Errorf("%q, %d characters, at end %t: %d, want %d", c.text, c.characters, c.atEnd, got, c.want)
		}
	}
}

// A text that comes in parts has the blobs of the whole.
func TestBlobCounterTakesTextInParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "bc ", "defghijkl", "nothing but ASCII for a while ", "\r\n", "\r", "\n", "ç", "\xff", "😀", " ",
		}), 1, 60).Draw(t, "text")
		text, characters := []byte(strings.Join(parts, "")), rapid.OneOf(rapid.IntRange(1, 9), rapid.IntRange(10, 99)).Draw(t, "characters")
		counter, left, blob := mapreduce.BlobCounter{Characters: characters}, 0, 0
		rest := text
		for to := range len(text) + 1 {
			for {
				n, ends := counter.Count(text[left:to], to == len(text))
				left, blob = left+n, blob+n
				if !ends {
					break
				}
				if want := endOneByOne(rest, characters); blob != want {
					t.Fatalf("a blob of %d bytes, want %d", blob, want)
				}
				rest, blob = rest[blob:], 0
			}
		}
		if left != len(text) || blob != len(rest) {
			t.Fatalf("%d of %d bytes were counted, %d are left, want %d", left, len(text), blob, len(rest))
		}
	})
}

// endOneByOne is where a blob ends, found character by character.
func endOneByOne(text []byte, characters int) (n int) {
	for n < len(text) {
		r, width := utf8.DecodeRune(text[n:])
		if bytes.HasPrefix(text[n:], []byte("\r\n")) {
			width = 2
		}
		n += width
		if characters--; characters <= 0 && unicode.IsSpace(r) {
			break
		}
	}
	return n
}
