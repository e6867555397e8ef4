package mapreduce_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func TestMessageIsALineOfJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 14, 0, 0, 500_000_000, time.FixedZone("", 2*3600))
	for want, m := range map[string]mapreduce.Message{
		`{"stream":"ORDERS","seq":17,"time":"2026-05-01T12:00:00.5Z","subject":"orders.eu","data":"a \"b\" \\ <é> \n\r\t\u0000"}`: {
			Stream: "ORDERS", Seq: 17, Time: at, Subject: "orders.eu", Data: []byte("a \"b\" \\ <é> \n\r\t\x00")},
		`{"stream":"S","seq":18446744073709551615,"time":"0001-01-01T00:00:00Z","subject":"s",` +
			`"headers":{"A":["1","2"],"b":[],"é":[""]},"data":""}`: {
			Stream: "S", Seq: math.MaxUint64, Subject: "s", Headers: map[string][]string{"é": {""}, "b": {}, "A": {"1", "2"}}},
		`{"stream":"S","seq":1,"time":"0001-01-01T00:00:00Z","subject_b64":"c/8=","headers_b64":{"QQ==":["/w=="],"Qg==":[]},` +
			`"data_b64":"gQ=="}`: {
			Stream: "S", Seq: 1, Subject: "s\xff", Headers: map[string][]string{"A": {"\xff"}, "B": {}}, Data: []byte{0x81}},
	} {
		if got := string(mapreduce.AppendMessage([]byte("x"), m)); got != "x"+want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}

func TestMessageComesBackAsItWas(t *testing.T) {
	t.Parallel()
	bytes := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		m := mapreduce.Message{
			Stream: rapid.String().Draw(t, "stream"), Seq: rapid.Uint64().Draw(t, "seq"),
			Time:    time.Unix(0, rapid.Int64().Draw(t, "time")).UTC(),
			Subject: bytes.Draw(t, "subject"), Data: []byte(bytes.Draw(t, "data")),
			Headers: rapid.MapOf(bytes, rapid.SliceOf(bytes)).Draw(t, "headers"),
		}
		if len(m.Headers) == 0 {
			m.Headers = nil
		}
		if len(m.Data) == 0 {
			m.Data = nil
		}
		line := mapreduce.AppendMessage(nil, m)
		if strings.ContainsAny(string(line), "\n\r") || !json.Valid(line) {
			t.Fatalf("no line of JSON: %q", line)
		}
		got, err := mapreduce.ParseMessage(append(line, '\n'))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestLineThatIsNoMessageSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	whole := `{"stream":"S","seq":1,"time":"2026-05-01T12:00:00Z","subject":"s","data":"d"}`
	for part, want := range map[string]string{
		`"stream":"S",`: `no "stream"`, `"seq":1,`: `no "seq"`, `"time":"2026-05-01T12:00:00Z",`: `no "time"`,
		`"subject":"s",`: `no "subject"`, `,"data":"d"`: `no "data"`, whole: "JSON",
	} {
		_, err := mapreduce.ParseMessage([]byte(strings.Replace(whole, part, "", 1)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: %v", part, err)
		}
	}
	if _, err := mapreduce.ParseMessage([]byte(`{"stream":"S","seq":1,"time":"2026-05-01T12:00:00Z","subject":"s","headers_b64":{"?":[]},"data":"d"}`)); err == nil {
		t.Error("a header's name that is no base64 was read")
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(`{"stream":"S","seq":1,"time":"2026-05-01T12:00:00Z","subject":"s","headers":{"a":["b"]},"data":"d"}`))
	f.Add([]byte(`{"stream":"S","seq":1,"time":"2026-05-01T12:00:00Z","subject_b64":"cw==","headers_b64":{"QQ==":["/w=="]},"data_b64":"gQ=="}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := mapreduce.ParseMessage(line)
		if err != nil {
			return
		}
		again, err := mapreduce.ParseMessage(mapreduce.AppendMessage(nil, m))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Error(diff)
		}
	})
}

func BenchmarkAppendMessage(b *testing.B) {
	m := mapreduce.Message{Stream: "ORDERS", Seq: 123456, Time: time.Unix(1, 5), Subject: "orders.eu.7", Data: []byte(strings.Repeat("x", 100))}
	line := mapreduce.AppendMessage(nil, m)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		line = mapreduce.AppendMessage(line[:0], m)
	}
}
