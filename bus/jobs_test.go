package bus

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// A field that is ignored is another job than was asked for.
func TestJobThatIsNotUnderstoodIsRefusedInWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"id":"a","program":"p","inputs":["/x"],"split_size":7}`: "",
		`{"id":"a","splitsize":7}`:                                `unknown field "splitsize": this version does not know it`,
		`{"id":"a","output":{"into":"x"}}`:                        `unknown field "into"`,
		`{"id":"a"} {"id":"b"}`:                                   "something follows it",
		`{"id":"a"}}`:                                             "something follows it",
		`{"id":7}`:                                                "number",
		``:                                                        "EOF",
	} {
		s := submitted([]byte(text), 3, "reply")
		if (s.Bad == "") != (want == "") || !strings.Contains(s.Bad, want) || s.Seq != 3 || s.Reply != "reply" {
			t.Errorf("%s: %+v, want %q", text, s, want)
		}
	}
}

func TestWhatIsWrongWithAJobIsToldInShort(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"reduces":` + strings.Repeat("9", 100_000) + `}`,
		`{"` + strings.Repeat("ä", 50_000) + `":1}`, `{"x` + strings.Repeat("ä", 50_000) + `":1}`,
	} {
		s := submitted([]byte(text), 0, "")
		if len(s.Bad) > 500 || len(s.Bad) < 490 || !utf8.ValidString(s.Bad) {
			t.Errorf("%d bytes are said, valid: %t: %s", len(s.Bad), utf8.ValidString(s.Bad), s.Bad)
		}
	}
}
