package bus

import (
	"encoding/json"
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
		`{"id":"a","output":{"into":"x"}}`:                        `unknown field "output.into": this version does not know it; it knows to format`,
		`{"id":"a"} {"id":"b"}`:                                   "something follows it",
		`{"id":"a"}}`:                                             "something follows it",
		`{"id":7}`:                                                `field "id" is a number: use a text`,
		`{"reduces":2.5}`:                                         `field "reduces" is 2.5: use a whole number`,
		`{"inputs":"/x"}`:                                         `field "inputs" is a string: use a list`,
		`{"args":{"n":3}}`:                                        `field "args" is a number: use an object of texts`,
		`{"output":7}`:                                            `field "output" is a number: use a text`,
		`{"output":{"top":"3"}}`:                                  `field "output.top" is a string: use a whole number`,
		`{"output":"kv://X"}`:                                     "",
		`{"output":{"to":"kv://X"}}`:                              "",
		`{"output":null}`:                                         "",
		`[1]`:                                                     "it is an array: send one object",
		`hello`:                                                   "it is no JSON: invalid character 'h'",
		`{"id":"a","program":"p","inputs":["/a"],"id":"b"}`:                      `field "id" stands twice`,
		`{"Program":"p","inputs":["/a"]}`:                                        `unknown field "Program"`,
		`{"program":"p","inputs":["/a"],"output":{"to":"kv://a","to":"kv://b"}}`: `field "output.to" stands twice`,
		`{"id":"a"`: "it ends before its last bracket",
		"{\"program\":\"p\",\"inputs\":[\"/a\xff\"]}": "it is not UTF-8",
		``: "it is empty: send one object",
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
		if len(s.Bad) > maxBad || len(s.Bad) < 50 || !utf8.ValidString(s.Bad) {
			t.Errorf("%d bytes are said, valid: %t: %s", len(s.Bad), utf8.ValidString(s.Bad), s.Bad)
		}
	}
}

// A job that is refused keeps its id, wherever it stands: users look for it there.
func TestJobThatIsRefusedKeepsItsID(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{`"input":["/x"]`, `"reduces":"2"`, `"output":7`} {
		text := "{" + wrong + `,"id":"a","program":"p"}`
		if s := submitted([]byte(text), 3, ""); s.Bad == "" || s.Job.ID != "a" || s.Job.Program != "p" {
			t.Errorf("%s: %+v", text, s)
		}
	}
}

func FuzzJob(f *testing.F) {
	for _, text := range []string{
		`{"id":"a","program":"p","inputs":["/x"],"output":{"to":"kv://X","top":3}}`,
		`{"output":"kv://X"}`, `{"output":7}`, `[1]`, `{"id":"a"} 1`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := submitted(data, 1, "")
		if len(s.Bad) > maxBad || !utf8.ValidString(s.Bad) && utf8.Valid(data) {
			t.Errorf("%d bytes are said of %q: %q", len(s.Bad), data, s.Bad)
		}
		if s.Bad != "" {
			return
		}
		text, err := json.Marshal(s.Job)
		if again := submitted(text, 1, ""); err != nil || again.Bad != "" || !again.Job.Same(s.Job) {
			t.Errorf("%q is another job when it is written again: %v, %s", data, err, again.Bad)
		}
	})
}
