package tcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func parsed(t testing.TB, text string) message {
	t.Helper()
	var m message
	if err := m.parse([]byte(text)); err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	return m
}

func TestEveryMessageIsRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"task":"register","id":"3"}`:                                                        "register 3",
		`{"id": 3.5e1, "task": "register", "framing": "length"}`:                              "register 3.5e1 length",
		` { "task" : "register" , "id" : "a\u00e9\ud83d\ude00" , "x" : [{"y":null}] } `:       "register aé😀",
		`{"task":"map_request","blob":"a\udcffb\u0000\n\/"}`:                                  "map_request blob \"a\\xffb\\x00\\n/\"",
		`{"value": [["é", 1], ["b", 20]], "task": "map_reply"}`:                               "map_reply [é 1 b 20]",
		`{"task":"reduce_request","value":[[],[["b",5]]]}`:                                    "reduce_request [] [b 5]",
		`{"task":"reduce_reply","value":[]}`:                                                  "reduce_reply []",
		`{"task":"reg_backup","addr":["127.0.0.1",8766],"native":true}`:                       "reg_backup 127.0.0.1:8766 native",
		`{"task":"reg_backup","value":["::1",8766]}`:                                          "reg_backup [::1]:8766",
		`{"task":"update","value":[[["a",1]],[["b",2],["c",9223372036854775805]]],"index":7}`: "update 7 [a 1] [b 2 c 9223372036854775805]",
		`{"task":"reduce_reply","value":[],"id":{},"addr":5,"index":-1}`:                      "reduce_reply []",
	} {
		if got := describe(parsed(t, text)); got != want {
			t.Errorf("%s is read as %s, want %s", text, got, want)
		}
	}
}

// describe is what a message says.
func describe(m message) string {
	words := []string{m.task}
	if m.task == register {
		words = append(words, m.id)
	}
	if m.task == mapRequest {
		words = append(words, fmt.Sprintf("blob %q", m.blob))
	}
	if m.task == regBackup {
		words = append(words, m.addr.String())
	}
	if m.task == update {
		words = append(words, fmt.Sprint(m.index))
	}
	for _, histogram := range m.value {
		var counts []string
		for _, count := range histogram {
			counts = append(counts, fmt.Sprintf("%s %d", count.Word, count.N))
		}
		words = append(words, fmt.Sprint(counts))
	}
	if m.length {
		words = append(words, "length")
	}
	if m.native {
		words = append(words, "native")
	}
	return strings.Join(words, " ")
}

func TestWhatIsWrongIsRefusedAndNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                               "too early",
		`[]`:                             "{ expected",
		`{}`:                             "no task",
		`{"task":"register","id":"1"`:    "too early",
		`{"task":"register","id":"1"} x`: "the end expected",
		`{"task":"register","id":"1"}{}`: "the end expected",
		`{"task":"register","id":"1",}`:  "a string expected",
		`{"task":"register"}`:            "register without id",
		`{"task":"register","id":null}`:  "a digit expected",
		`{"task":"register","id":"` + strings.Repeat("x", 257) + `"}`: "257 bytes",
		`{"task":"destroy"}`: `unknown task "destroy"`,
		`{"task":5}`:         "a string expected",
		`{"task":"map_reply","task":"map_reply","value":[]}`:                                                     "task twice",
		`{"task":"map_reply","value":[["a",-1]]}`:                                                                "negative",
		`{"task":"map_reply","value":[["a",0]]}`:                                                                 "none",
		`{"task":"map_reply","value":[["a",1.0]]}`:                                                               "not whole",
		`{"task":"map_reply","value":[["a",1e3]]}`:                                                               "not whole",
		`{"task":"map_reply","value":[["a",01]]}`:                                                                "begins with 0",
		`{"task":"map_reply","value":[["a","1"]]}`:                                                               "a number expected",
		`{"task":"map_reply","value":[["a",9223372036854775808]]}`:                                               "beyond 64 bits",
		`{"task":"map_reply","value":[["a",9223372036854775807],["b",1]]}`:                                       "sum is beyond",
		`{"task":"map_reply","value":[["a",1,2]]}`:                                                               "] expected",
		`{"task":"map_reply","value":[["a"]]}`:                                                                   ", expected",
		`{"task":"map_reply","value":[[1,1]]}`:                                                                   "a string expected",
		`{"task":"map_reply","value":[["a",1] ["b",1]]}`:                                                         ", expected",
		`{"task":"map_reply","value":[["a",1],]}`:                                                                "[ expected",
		`{"task":"map_reply","value":{}}`:                                                                        "[ expected",
		`{"task":"map_reply"}`:                                                                                   "map_reply without value",
		`{"task":"reduce_request","value":[[]]}`:                                                                 "1 histograms",
		`{"task":"reduce_request","value":[[],[],[]]}`:                                                           "3 histograms",
		`{"task":"reg_backup"}`:                                                                                  "without an address",
		`{"task":"reg_backup","addr":["h",70000]}`:                                                               "no such address",
		`{"task":"reg_backup","addr":["h","1"]}`:                                                                 "a number expected",
		`{"task":"update","value":[]}`:                                                                           "update without index",
		`{"task":"map_request","blob":"\ud83d"}`:                                                                 "lone surrogate",
		`{"task":"map_request","blob":"\ud83dx"}`:                                                                "lone surrogate",
		`{"task":"map_request","blob":"\ud83d\u0041"}`:                                                           "lone surrogate",
		`{"task":"map_request","blob":"\udc00"}`:                                                                 "lone surrogate",
		`{"task":"map_request","blob":"\u12g4"}`:                                                                 "hexadecimal",
		`{"task":"map_request","blob":"\x"}`:                                                                     "unknown escape",
		"{\"task\":\"map_request\",\"blob\":\"\n\"}":                                                             "control character",
		"{\"task\":\"map_request\",\"blob\":\"\\\"\n\"}":                                                         "control character",
		"{\"task\":\"map_request\",\"blob\":\"\xff\"}":                                                           "not UTF-8",
		`{"task":"register","id":"1","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`:           "nest too deep",
		`{"task":"register","id":"1","x":` + strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100) + `}`: "nest too deep",
		`{"task":"register","id":"1","x":nul}`:                                                                   "a value expected",
		`{"x":"\q","task":"register","id":1}`:                                                                    "unknown escape",
	} {
		var m message
		if err := m.parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.100s: error %v, want one with %q", text, err, want)
		}
	}
}

func anyHistogram() *rapid.Generator[Histogram] {
	return rapid.Custom(func(t *rapid.T) (h Histogram) {
		for range rapid.IntRange(0, 20).Draw(t, "words") {
			h = append(h, Count{anyText().Draw(t, "word"), rapid.Int64Range(1, 1<<50).Draw(t, "count")})
		}
		return h
	})
}

// anyText is bytes of all kinds: text, and what is none.
func anyText() *rapid.Generator[[]byte] {
	return rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) }),
		rapid.Map(rapid.SliceOf(rapid.SampledFrom([]string{
			"a", "\r\n", "\r", "\n", "é", "😀", "\xff", "\xed\xa0\x80", "\xc3", "\x04", `"\`, "\x7f", "\x00",
		})), func(s []string) []byte { return []byte(strings.Join(s, "")) }))
}

// same reports whether a histogram was read as it was written, but that a word that repeats the one before it is one pair.
func same(read, written Histogram) bool {
	var joined Histogram
	for _, count := range written {
		if n := len(joined); n > 0 && bytes.Equal(joined[n-1].Word, count.Word) {
			joined[n-1].N += count.N
		} else {
			joined = append(joined, count)
		}
	}
	return slices.EqualFunc(read, joined, func(x, y Count) bool { return bytes.Equal(x.Word, y.Word) && x.N == y.N })
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, b := anyHistogram().Draw(rt, "a"), anyHistogram().Draw(rt, "b")
		blob := anyText().Draw(rt, "blob")
		var m message
		read := func(text []byte) {
			if i := bytes.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
				rt.Fatalf("%q is not plain ASCII", text)
			}
			must(t, m.parse(text))
		}
		if read(appendReduceRequest(nil, a, b)); !same(m.value[0], a) || !same(m.value[1], b) {
			rt.Fatalf("%v is not %v, %v", m.value, a, b)
		}
		if read(appendReply(nil, mapReply, a)); !same(m.value[0], a) || len(m.value) != 1 {
			rt.Fatalf("%v is not %v", m.value, a)
		}
		if read(appendUpdate(nil, 3, []Histogram{b, a})); !same(m.value[0], b) || !same(m.value[1], a) || m.index != 3 {
			rt.Fatalf("%v is not %v, %v", m.value, b, a)
		}
		lines := bytes.ReplaceAll(bytes.ReplaceAll(blob, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
		if read(appendMapRequest(nil, blob)); !bytes.Equal(m.blob, lines) {
			rt.Fatalf("%q is not %q", m.blob, lines)
		}
		if got, want := written(blob), len(appendString(nil, blob)); got != want {
			rt.Fatalf("%q: %d bytes, want %d", blob, got, want)
		}
	})
}

// loose is a message as encoding/json reads it.
type loose struct {
	Task  string          `json:"task"`
	Blob  string          `json:"blob"`
	Value json.RawMessage `json:"value"`
}

// FuzzMessage compares what both we and encoding/json read. We alone know lone surrogates.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"task":"map_reply","value":[["a",1],["\u00e9\ud83d\ude00",20]]}`,
		`{"value":[[],[["b",5]]],"task":"reduce_request","x":{"y":[1,2.5e-3,true,null]}}`,
		`{"task":"map_request","blob":"a\n\tb\\\"\u0041"}`,
		`{"task":"update","value":[[["a",1]]],"index":7}`,
		`{"task":"register","id":3}`, `{"task":"reg_backup","addr":["h",1]}`, `{"task":"map_request","blob":"\udcff"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		original := bytes.Clone(text)
		var m message
		if m.parse(text) != nil {
			return
		}
		if !json.Valid(original) {
			t.Fatalf("%q is no JSON", original)
		}
		if bytes.Contains(bytes.ToLower(original), []byte(`\ud`)) {
			return
		}
		var theirs loose
		if json.Unmarshal(original, &theirs) != nil {
			return // such as fields that differ in case
		}
		if m.task == mapRequest && bytes.Count(bytes.ToLower(original), []byte(`"blob"`)) == 1 && string(m.blob) != theirs.Blob {
			t.Fatalf("blob %q, theirs %q", m.blob, theirs.Blob)
		}
		if (m.task == mapReply || m.task == reduceReply) && bytes.Count(bytes.ToLower(original), []byte(`"value"`)) == 1 {
			compare(t, m.value[0], theirs.Value)
		}
	})
}

func compare(t *testing.T, ours Histogram, text []byte) {
	var pairs [][2]json.RawMessage
	if err := json.Unmarshal(text, &pairs); err != nil || len(pairs) != len(ours) {
		t.Fatalf("%d pairs, theirs %d, %v", len(ours), len(pairs), err)
	}
	for i, pair := range pairs {
		var word string
		var n int64
		must(t, json.Unmarshal(pair[0], &word))
		must(t, json.Unmarshal(pair[1], &n))
		if word != string(ours[i].Word) || n != ours[i].N {
			t.Fatalf("%q %d, theirs %q %d", ours[i].Word, ours[i].N, word, n)
		}
	}
}
