package programs_test

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// words is what the scanner finds, copied.
func words(text []byte) []string {
	found := []string{}
	var scanner programs.Words
	scanner.Reset(text)
	for word := scanner.Next(); word != nil; word = scanner.Next() {
		found = append(found, string(word))
	}
	return found
}

// plainWords is the word rule as it is written down, step by step over the whole text: lower, delete, split.
func plainWords(text []byte) []string {
	const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	kept := []rune{}
	for _, r := range plainLower(decode(text)) {
		if !strings.ContainsRune(punctuation+"0123456789«»", r) {
			kept = append(kept, r)
		}
	}
	found := []string{}
	start := 0
	for i := 0; i <= len(kept); i++ {
		if i < len(kept) && !slices.Contains(whiteSpace, kept[i]) {
			continue
		}
		if i > start {
			found = append(found, encode(kept[start:i]))
		}
		start = i + 1
	}
	return found
}

var whiteSpace = []rune{
	0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x85, 0xA0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004,
	0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000,
}

// plainLower is Python's str.lower, with the context of a sigma sought in the whole text.
func plainLower(text []rune) []rune {
	lower := []rune{}
	for i, r := range text {
		switch {
		case r == 0x130:
			lower = append(lower, 'i', 0x307)
		case r == 0x3A3 && plainFinal(text, i):
			lower = append(lower, 0x3C2)
		default:
			lower = append(lower, unicode.ToLower(r))
		}
	}
	return lower
}

func plainFinal(text []rune, i int) bool {
	before := i - 1
	for before >= 0 && programs.IsIgnorable(text[before]) {
		before--
	}
	after := i + 1
	for after < len(text) && programs.IsIgnorable(text[after]) {
		after++
	}
	return before >= 0 && programs.IsCased(text[before]) && (after == len(text) || !programs.IsCased(text[after]))
}

// decode makes a lone surrogate of each byte that is no UTF-8, as Python's surrogateescape does.
func decode(text []byte) []rune {
	runes := []rune{}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			r = 0xDC00 + rune(text[0])
		}
		runes = append(runes, r)
		text = text[size:]
	}
	return runes
}

func encode(runes []rune) string {
	var text []byte
	for _, r := range runes {
		if r >= 0xDC80 && r <= 0xDCFF {
			text = append(text, byte(r-0xDC00))
		} else {
			text = utf8.AppendRune(text, r)
		}
	}
	return string(text)
}

// nasty is texts made of what the word rule treats specially, and of bytes that are nothing.
func nasty() *rapid.Generator[[]byte] {
	pieces := []string{
		"Σ", "Σ", "σ", "ς", "İ", "I", "ı", "\u0301", "\u0307", "\u0345", "ʰ", "\u00AD", "\u200D", "'", "’", ".", ":", "·", "«",
		"»", "ß", "É", "é", "ã", "Ç", "×", "÷", "ÿ", "Ÿ", "µ", "ǅ", "K", "Å", "Ω", "Ⅷ", "Ⓐ", "ﬁ", "中", "한", "😀", "𐐀", "𝐀", "\uFEFF",
		"\uFFFD", "A", "Z", "a", "z", "{", "`", "@", "[", "\x00", "\x7f", "-", "_", "0", "9", "\r\n", "\xC3", "\xE2\x80",
		"\xF0\x9F", "\xED\xA0\x80", "\xC0\x80", "\x85", "\xA0", "\xFF", "\xCE", "\xA3", "word", "lengthening", "não",
	}
	for _, r := range whiteSpace {
		pieces = append(pieces, string(r))
	}
	piece := rapid.OneOf(rapid.SampledFrom(pieces), rapid.SampledFrom(pieces), rapid.StringMatching("[a-zA-Zà-ü]{1,12}"),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 4), func(b []byte) string { return string(b) }))
	return rapid.Custom(func(t *rapid.T) []byte {
		return []byte(strings.Join(rapid.SliceOfN(piece, 0, 40).Draw(t, "pieces"), ""))
	})
}

func TestWordsAreThoseOfTheWrittenRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := nasty().Draw(t, "text")
		if diff := cmp.Diff(plainWords(text), words(text)); diff != "" {
			t.Fatalf("words of %q (-rule +scanner):\n%s", text, diff)
		}
	})
}

// inWindows takes words one by one, and those of a window at once.
type inWindows struct {
	words []string
	alone int
}

var _ mapreduce.Tokens = (*inWindows)(nil)

func (w *inWindows) Emit(key, _ []byte) {
	w.words = append(w.words, string(key))
	w.alone++
}

func (w *inWindows) EmitTokens(text []byte, begins, ends uint64) {
	for ; ends != 0; begins, ends = begins&(begins-1), ends&(ends-1) {
		from, to := bits.TrailingZeros64(begins), bits.TrailingZeros64(ends)
		w.words = append(w.words, string(text[from:to]))
		_ = text[from : from+mapreduce.TokenReach] // they may be read
	}
}

// Whether its output takes them one by one or by the window, word count emits the same words, and no token that is none.
func TestWordsAreEmittedByTheWindow(t *testing.T) {
	mapper := mapperOf(t, "wordcount")
	rapid.Check(t, func(t *rapid.T) {
		text := nasty().Draw(t, "text")
		if rapid.Bool().Draw(t, "tame") { // more windows without anything odd
			text = []byte(strings.ToValidUTF8(strings.Map(ascii, string(text)), "x"))
		}
		out := inWindows{words: []string{}}
		if err := mapper.Map(t.Context(), mapreduce.Batch{Data: text}, &out); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plainWords(text), out.words); diff != "" {
			t.Fatalf("words of %q (-rule +emitted):\n%s", text, diff)
		}
	})
}

// Of a text without anything odd the first word comes alone, and no other.
func TestPlainWordsDoNotComeAlone(t *testing.T) {
	var out inWindows
	text := []byte(strings.Repeat("The quick fox, and the grapes:\n", 100))
	if err := mapperOf(t, "wordcount").Map(t.Context(), mapreduce.Batch{Data: text}, &out); err != nil {
		t.Fatal(err)
	}
	if len(out.words) != 600 || out.alone != 1 {
		t.Errorf("%d words, %d of them alone", len(out.words), out.alone)
	}
}

// ascii leaves of a text what every window takes.
func ascii(r rune) rune {
	if r >= 0x80 {
		return ' '
	}
	return r
}

func FuzzWordsAreThoseOfTheWrittenRule(f *testing.F) {
	for seed := range 50 {
		f.Add(nasty().Example(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if diff := cmp.Diff(plainWords(text), words(text)); diff != "" {
			t.Fatalf("words of %q (-rule +scanner):\n%s", text, diff)
		}
	})
}

func TestWordsKnownCases(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		" \n\t ":                      "",
		"The fox, and the GRAPES!":    "the fox and the grapes",
		"don't o’er well-known":       "dont o’er wellknown",
		"1914 c3po 42nd":              "cpo nd",
		"«Não», disse a RAPOSA — São": "não disse a raposa — são",
		"\ufeffThe":                   "\ufeffthe",
		"ΟΔΥΣΣΕΥΣ Σ ΣΑ ΑΣ. ΑΣ'Α ΑΣ-Α 1Σ": "οδυσσευς σ σα ας ασα αςα σ",
		"İstanbul DİĞER":                           "i\u0307stanbul di\u0307ğer",
		"Straße ÀÖØÞ ×÷":                           "straße àöøþ ×÷",
		"a\x1cb\x1db\x1ec\x1fd\x00e":               "a b b c d\x00e",
		"a\u0085b\u00a0c\u2003d\u3000e":            "a b c d e",
		"a\u200bb\u180ec":                          "a\u200bb\u180ec",
		"bad \x85\xa0 X\xffY \xc3":                 "bad \x85\xa0 x\xffy \xc3",
		"\"quoted\" (in) [all] {ways} --- ":        "quoted in all ways",
		"eightlet eightletters ninesixteenletters": "eightlet eightletters ninesixteenletters",
	} {
		if got := strings.Join(words([]byte(text)), " "); got != want {
			t.Errorf("words of %q: got %q, want %q", text, got, want)
		}
	}
}

// A sigma looks over any number of case-ignorable runes.
func TestFinalSigmaSeesAcrossManyMarks(t *testing.T) {
	marks := strings.Repeat("\u0301", 10_000)
	for text, want := range map[string]string{
		"Α" + marks + "Σ":                "α" + marks + "ς",
		"ΑΣ" + marks + "Α":               "ασ" + marks + "α",
		"ΑΣ" + marks:                     "ας" + marks,
		strings.Repeat("Α"+marks+"Σ", 9): strings.Repeat("α"+marks+"σ", 8) + "α" + marks + "ς",
	} {
		if got := words([]byte(text)); len(got) != 1 || got[0] != want {
			t.Errorf("a sigma among %d marks went wrong", len(marks)/2)
		}
	}
}

func TestWordsLeaveTheTextAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := nasty().Draw(t, "text")
		before := bytes.Clone(text)
		words(text)
		if !bytes.Equal(before, text) {
			t.Fatalf("%q became %q", before, text)
		}
	})
}

func TestWordsOfOneTextAreNotAllocated(t *testing.T) {
	text := []byte(strings.Repeat("The quick «raposa» não CORREU, o’er 42 ΛΌΦΟΥΣ;\n", 100))
	var scanner programs.Words
	count := func() {
		scanner.Reset(text)
		for scanner.Next() != nil {
		}
	}
	count()
	if allocs := testing.AllocsPerRun(10, count); allocs != 0 {
		t.Errorf("%v allocations for a text", allocs)
	}
}

func ExampleWords() {
	var scanner programs.Words
	scanner.Reset([]byte("«Não», said the Fox."))
	for word := scanner.Next(); word != nil; word = scanner.Next() {
		fmt.Printf("%s\n", word)
	}
	// Output:
	// não
	// said
	// the
	// fox
}
