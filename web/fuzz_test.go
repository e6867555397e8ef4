package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"unicode/utf8"
)

// Whatever is asked for: no panic, an answer of ours with its headers, and nobody steers without the token.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][4]string{
		{"GET", "/jobs/a", "state=done&before=x", "127.0.0.1"}, {"POST", "/jobs/a/cancel", "", "localhost:1"},
		{"GET", "/static/page.js", "v=1", "[::1]"},
		{"POST", "/login", "token=x&to=//evil", "evil"}, {"GET", "/workers", "%", "127.0.0.1:99999"}, {"PUT", "/../..", "a=b;c", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], "jetreduce=1.a")
	}
	d := scene(began)
	s := newTestServer(d, func(c *Config) { c.Token, c.Loopback = secret, true })
	f.Fuzz(func(t *testing.T, method, path, query, host, cookie string) {
		r := &http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}, Host: host, Header: http.Header{"Cookie": {cookie}},
			Body: http.NoBody}
		w := httptest.NewRecorder()
		ctx, stop := contextAtOnce()
		stop()
		s.Handler().ServeHTTP(w, r.WithContext(ctx))
		if w.Header().Get("Content-Security-Policy") != policy || w.Code == http.StatusInternalServerError {
			t.Errorf("status %d, headers %v", w.Code, w.Header())
		}
		if !utf8.Valid(w.Body.Bytes()) || len(d.steered) > 0 {
			t.Errorf("steered %v; body %q", d.steered, w.Body)
		}
	})
}

// A cookie proves nothing unless the door has signed it.
func FuzzCookie(f *testing.F) {
	f.Add("")
	f.Add("99999999999.")
	f.Add("1772490245.0000000000000000000000000000000000000000000000000000000000000000")
	s := newTestServer(scene(began), withToken)
	f.Fuzz(func(t *testing.T, value string) {
		if s.door.proves(value) {
			t.Errorf("%q opens the door", value)
		}
	})
}
