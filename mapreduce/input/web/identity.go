package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// validator tells one state of a resource from another: a strong ETag alone, else the time of its last modification, with
// a weak ETag if there is one.
type validator struct{ etag, modified string }

const maxETag = 1024 // bytes: it stands in the plan

// validatorOf is what an answer says, and nothing where it says nothing of use.
func validatorOf(h http.Header) validator {
	etag := h.Get("ETag")
	opaque := strings.TrimPrefix(etag, "W/")
	if !quoted(opaque) || len(etag) > maxETag {
		etag = ""
	}
	if strings.HasPrefix(etag, `"`) {
		return validator{etag: etag}
	}
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return validator{}
	}
	return validator{etag, modified.UTC().Format(http.TimeFormat)}
}

// quoted reports whether text is an opaque-tag of RFC 9110, section 8.8.3.
func quoted(text string) bool {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return false
	}
	return strings.IndexFunc(text[1:len(text)-1], func(r rune) bool { return r <= ' ' || r == '"' || r >= 0x7f }) < 0
}

func (v validator) strong() bool { return strings.HasPrefix(v.etag, `"`) }

// conditions are the headers of a request that only the state of that validator answers.
func (v validator) conditions() http.Header {
	if v.strong() {
		return http.Header{"If-Match": {v.etag}}
	}
	return http.Header{"If-Unmodified-Since": {v.modified}}
}

// identity is one state of a resource. As text it is `size "etag"` or `size modified[ W/"etag"]`, with the time as HTTP
// writes it.
type identity struct {
	size int64 // -1: it does not tell
	validator
}

// tells reports whether no other state of the resource has that identity. A time alone is not enough: content that is made for
// each request often has one.
func (id identity) tells() bool { return id.strong() || id.modified != "" && id.size >= 0 }

func (id identity) String() string {
	if id.strong() {
		return fmt.Sprintf("%d %s", id.size, id.etag)
	}
	return strings.TrimSuffix(fmt.Sprintf("%d %s %s", id.size, id.modified, id.etag), " ")
}

func parseIdentity(text string) (identity, error) {
	number, rest, _ := strings.Cut(text, " ")
	size, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return identity{}, fmt.Errorf("parse identity %q: %w", text, err)
	}
	id := identity{size: size}
	if strings.HasPrefix(rest, `"`) {
		id.validator = validatorOf(http.Header{"Etag": {rest}})
	} else if n := len(http.TimeFormat); len(rest) >= n {
		id.validator = validatorOf(http.Header{"Last-Modified": {rest[:n]}, "Etag": {strings.TrimPrefix(rest[n:], " ")}})
	}
	if !id.tells() || id.String() != text {
		return identity{}, fmt.Errorf("parse identity %q: not `size \"etag\"` or `size modified W/\"etag\"`", text)
	}
	return id, nil
}

// change says in words how a resource that was planned with identity id became now; empty when it did not change.
func (id identity) change(now identity) string {
	switch {
	case id.validator == now.validator && (id.size == now.size || id.size < 0 || now.size < 0):
		return ""
	case id.size != now.size && id.size >= 0 && now.size >= 0:
		return fmt.Sprintf("had %d bytes when the job was planned, has %d now", id.size, now.size)
	case now.validator == validator{}:
		return "its server no longer says of which state it is (no ETag or Last-Modified): it cannot be told from another"
	}
	return fmt.Sprintf("was %s when the job was planned, is %s now", id.validator, now.validator)
}

func (v validator) String() string {
	if v.strong() {
		return "of ETag " + v.etag
	}
	return strings.TrimSpace("of " + v.modified + " " + v.etag)
}

// A second is what times of modification are told in. One that is not older than that may hide another edit.
const quiet = 2 * time.Second

// unquiet is how long to wait until no later edit can have the time of this one; zero or less: it is that old, or the time was set by hand
// far in the future and says nothing of edits.
func (v validator) unquiet(now time.Time) time.Duration {
	modified, err := http.ParseTime(v.modified)
	if age := now.Sub(modified); err == nil && age > -quiet {
		return quiet - age
	}
	return 0
}
