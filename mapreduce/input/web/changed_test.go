package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

func rangeOf(from, end int64) string { return fmt.Sprintf("bytes=%d-%d", from, end-1) }

func TestResourceThatChangedSinceThePlanIsRefused(t *testing.T) {
	content := text(5000)
	for name, change := range map[string]func(s *site){
		"etag":             func(s *site) { s.edit(content, "Etag", `"two"`) },
		"etag gone":        func(s *site) { s.header = http.Header{} },
		"etag, no If":      func(s *site) { s.edit(content, "Etag", `"two"`); s.handle = deaf(s) },
		"etag gone, no If": func(s *site) { s.header = http.Header{}; s.handle = deaf(s) },
		"cut off":          func(s *site) { s.handle = answering(416) },
		"total":            func(s *site) { s.edit(content+"\n", "Etag", strong) },
		"shorter":          func(s *site) { s.edit("", "Etag", strong) },
		"gone":             func(s *site) { s.handle = answering(404) },
		"gone for good":    func(s *site) { s.handle = answering(410) },
		"no ranges, etag":  func(s *site) { s.edit(content, "Etag", `"two"`); s.handle = without(content, false) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, content)
			source := s.list(t)
			change(s)
			got, err := s.read(t, source, 1000)
			wantChanged(t, err, "input changed: "+s.URL+"/a.txt: ")
			if got != "" {
				t.Errorf("read %d bytes", len(got))
			}
		})
	}
}

// The server is told which state is wanted, so that it need not send another.
func TestEachRequestNamesTheStateOfThePlan(t *testing.T) {
	for name, header := range map[string]http.Header{"If-Match": {"Etag": {strong}}, "If-Unmodified-Since": {"Last-Modified": {modified}}} {
		for _, ranges := range []bool{true, false} {
			s := newSite(t, text(5000))
			s.header = header
			if !ranges {
				s.handle = without(s.content, false)
			}
			source := s.list(t)
			s.handle = func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if r.Header.Get(name) == "" {
					return false
				}
				w.WriteHeader(http.StatusPreconditionFailed)
				return true
			}
			_, err := s.read(t, source, 1000)
			wantChanged(t, err, "is not what it was when the job was planned (answered 412 Precondition Failed)")
		}
	}
}

// deaf serves ranges, whatever the conditions.
func deaf(s *site) func(http.ResponseWriter, *http.Request, int) bool {
	return func(w http.ResponseWriter, r *http.Request, _ int) bool {
		r.Header.Del("If-Match")
		r.Header.Del("If-Unmodified-Since")
		return false
	}
}

func answering(status int) func(http.ResponseWriter, *http.Request, int) bool {
	return func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		w.WriteHeader(status)
		return true
	}
}

func TestPouredResourceThatChangedSinceThePlanIsRefused(t *testing.T) {
	content := text(5000)
	for name, change := range map[string]func(s *site){
		"etag":   func(s *site) { s.edit(content, "Etag", `"two"`) },
		"length": func(s *site) { s.handle = without(content+"\n", false) },
		"gone":   func(s *site) { s.handle = answering(404) },
		"more":   func(s *site) { s.handle = without(content+"\n", true) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, content)
			s.handle = without(content, false)
			source := s.list(t)
			change(s)
			got, err := s.read(t, source, 1000)
			wantChanged(t, err, "input changed: ")
			if got != "" && name != "more" {
				t.Errorf("read %d bytes", len(got))
			}
		})
	}
}

// Between two requests of one read, and behind the last: what was read before counts for nothing.
func TestResourceThatChangesInTheMiddleOfAReadIsNoticed(t *testing.T) {
	for _, c := range []struct {
		ranges bool
		before int // so many requests
	}{{true, 2}, {true, 3}, {false, 2}} {
		s := newSite(t, text(150_000))
		if !c.ranges {
			s.handle = without(s.content, false)
		}
		source := s.list(t)
		serve := s.handle
		s.handle = func(w http.ResponseWriter, r *http.Request, got int) bool {
			if got > c.before {
				w.Header().Set("Etag", `"two"`)
			}
			return serve != nil && serve(w, r, got)
		}
		got, err := s.read(t, source, 1000)
		wantChanged(t, err)
		if got == "" {
			t.Error("nothing was read")
		}
	}
}

func TestResourceOfOneTimeAndLengthIsRecognisedByThem(t *testing.T) {
	for _, weak := range []string{"", `W/"w"`} {
		s := newSite(t, text(5000))
		s.header = http.Header{"Last-Modified": {modified}}
		if weak != "" {
			s.header["Etag"] = []string{weak}
		}
		source := s.list(t)
		if want := strings.TrimSpace("5000 " + modified + " " + weak); source.Identity != want {
			t.Errorf("%q, want %q", source.Identity, want)
		}
		s.mustRead(t, source)
		s.handle = deaf(s)
		s.header["Last-Modified"] = []string{"Mon, 02 Jan 2006 15:04:06 GMT"}
		_, err := s.read(t, source, 1000)
		wantChanged(t, err, "was of "+modified, "is of Mon, 02 Jan 2006 15:04:06 GMT")
	}
}

// A time of modification tells seconds: another edit in the same second would look the same.
func TestResourceThatWasEditedJustNowIsLookedAtAgain(t *testing.T) {
	s := newSite(t, text(100))
	edited := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	s.header = http.Header{"Last-Modified": {edited.Format(http.TimeFormat)}}
	s.handle = func(w http.ResponseWriter, _ *http.Request, n int) bool {
		w.Header().Set("Date", edited.Add(time.Duration(n-1)*time.Second).Format(http.TimeFormat))
		return false
	}
	s.list(t)
	if got := fmt.Sprint(s.pauses); got != "[2s 1s]" {
		t.Errorf("paused %s", got)
	}
	s.handle = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		w.Header().Set("Date", edited.Format(http.TimeFormat))
		return false
	}
	_, err := s.in.List(t.Context(), s.URL)
	wantChanged(t, err, "is written to")
}

func TestResourceWithoutAValidatorIsRefused(t *testing.T) {
	for name, header := range map[string]http.Header{
		"none":      {},
		"weak":      {"Etag": {`W/"w"`}},
		"malformed": {"Etag": {`one`}},
		"long":      {"Etag": {`"` + strings.Repeat("e", maxETag) + `"`}},
		"no time":   {"Last-Modified": {"yesterday"}},
	} {
		s := newSite(t, text(100))
		s.header = header
		_, err := s.in.List(t.Context(), s.URL+"/a")
		t.Log(name, err)
		want(t, err, true, "input "+s.URL+"/a: ", "could not be noticed", "`curl -O '"+s.URL+"/a'`")
	}
	s := newSite(t, "")
	s.header = http.Header{"Last-Modified": {modified}}
	s.handle = without(text(100), true)
	_, err := s.in.List(t.Context(), s.URL+"/a")
	want(t, err, true, "could not be noticed")
}

func TestIdentityOfAnotherRoomIsRefused(t *testing.T) {
	for _, id := range []string{"", "5", "5 one", `5 W/"w"`, "5 " + modified + "x", "-1 " + modified, `05 "one"`} {
		_, err := New().Open(t.Context(), mapreduce.Source{Name: "http://h/", Identity: id})
		want(t, err, true, "parse identity")
	}
	if _, err := New().Open(t.Context(), mapreduce.Source{Name: "http://h/", Identity: `5 "one"`}); err != nil {
		t.Error(err)
	}
}
