package mapreduce

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Message is a message of a stream, as a program reads it from stream://STREAM?as=json.
type Message struct {
	Stream  string
	Seq     uint64
	Time    time.Time // when the stream took it in, in UTC
	Subject string
	Headers map[string][]string // nil: none
	Data    []byte              // nil: none
}

// AppendMessage appends a message as one line of JSON, without its LF, and always the same bytes for the same message:
//
//	{"stream":"ORDERS","seq":17,"time":"2026-05-01T12:00:00.5Z","subject":"orders.eu","headers":{"Kind":["new"]},"data":"…"}
//
// The keys have this order, headers that of their names; without headers there is no such key. What is not UTF-8 stands in
// base64 under subject_b64, headers_b64 (the names, too) or data_b64 instead.
func AppendMessage(dst []byte, m Message) []byte {
	dst = appendString(append(dst, `{"stream":`...), m.Stream)
	dst = strconv.AppendUint(append(dst, `,"seq":`...), m.Seq, 10)
	dst = m.Time.UTC().AppendFormat(append(dst, `,"time":"`...), time.RFC3339Nano)
	dst = append(appendText(append(dst, `",`...), "subject", m.Subject, utf8.ValidString(m.Subject)), ',')
	if len(m.Headers) > 0 {
		dst = appendHeaders(dst, m.Headers)
	}
	return append(appendText(dst, "data", m.Data, utf8.Valid(m.Data)), '}')
}

// appendText appends a member of an object.
func appendText[T string | []byte](dst []byte, key string, text T, valid bool) []byte {
	dst = append(append(dst, '"'), key...)
	if valid {
		return appendString(append(dst, `":`...), text)
	}
	dst = base64.StdEncoding.AppendEncode(append(dst, `_b64":"`...), []byte(text))
	return append(dst, '"')
}

func appendHeaders(dst []byte, headers map[string][]string) []byte {
	key, encode := `"headers":{`, func(dst []byte, text string) []byte { return appendString(dst, text) }
	if !validHeaders(headers) {
		key = `"headers_b64":{`
		encode = func(dst []byte, text string) []byte {
			return append(base64.StdEncoding.AppendEncode(append(dst, '"'), []byte(text)), '"')
		}
	}
	dst = append(dst, key...)
	for i, name := range slices.Sorted(maps.Keys(headers)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(encode(dst, name), `:[`...)
		for n, value := range headers[name] {
			if n > 0 {
				dst = append(dst, ',')
			}
			dst = encode(dst, value)
		}
		dst = append(dst, ']')
	}
	return append(dst, `},`...)
}

func validHeaders(headers map[string][]string) bool {
	for name, values := range headers {
		if !utf8.ValidString(name) || slices.ContainsFunc(values, func(v string) bool { return !utf8.ValidString(v) }) {
			return false
		}
	}
	return true
}

// appendString appends valid UTF-8 as a string of JSON, in the fewest bytes.
func appendString[T string | []byte](dst []byte, text T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	begin := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[begin:i]...)
		begin = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, text[begin:]...), '"')
}

// messageLine is a Message as JSON has it; of each pair of keys one is there.
type messageLine struct {
	Stream    *string             `json:"stream"`
	Seq       *uint64             `json:"seq"`
	Time      *time.Time          `json:"time"`
	Subject   *string             `json:"subject"`
	Subject64 []byte              `json:"subject_b64"`
	Headers   map[string][]string `json:"headers"`
	Headers64 map[string][][]byte `json:"headers_b64"`
	Data      *string             `json:"data"`
	Data64    []byte              `json:"data_b64"`
}

// ParseMessage reads a line that AppendMessage has written, be it with its LF or without. Keys that it does not know are left alone.
func ParseMessage(line []byte) (Message, error) {
	var l messageLine
	if err := json.Unmarshal(line, &l); err != nil {
		return Message{}, fmt.Errorf("parse message: %w", err)
	}
	for name, missing := range map[string]bool{
		"stream": l.Stream == nil, "seq": l.Seq == nil, "time": l.Time == nil,
		"subject": l.Subject == nil && l.Subject64 == nil, "data": l.Data == nil && l.Data64 == nil,
	} {
		if missing {
			return Message{}, fmt.Errorf("parse message: no %q", name)
		}
	}
	m := Message{Stream: *l.Stream, Seq: *l.Seq, Time: l.Time.UTC(), Subject: string(l.Subject64), Data: l.Data64}
	if l.Subject != nil {
		m.Subject = *l.Subject
	}
	if l.Data != nil {
		m.Data = []byte(*l.Data)
	}
	if len(m.Data) == 0 {
		m.Data = nil
	}
	var err error
	m.Headers, err = l.headers()
	return m, err
}

func (l messageLine) headers() (map[string][]string, error) {
	if len(l.Headers64) == 0 {
		if len(l.Headers) == 0 {
			return nil, nil
		}
		return l.Headers, nil
	}
	headers := map[string][]string{}
	for encoded, values := range l.Headers64 {
		name, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, errors.New("parse message: a header's name is no base64")
		}
		headers[string(name)] = []string{}
		for _, value := range values {
			headers[string(name)] = append(headers[string(name)], string(value))
		}
	}
	return headers, nil
}
