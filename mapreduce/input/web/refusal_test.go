package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func TestRefusalNamesStatusAndWhatToDo(t *testing.T) {
	for status, says := range map[int]string{
		400: "answered 400 Bad Request: `curl -v '",
		401: "answered 401 Unauthorized: it is not for everybody",
		403: "answered 403 Forbidden: it is not for everybody",
		404: "answered 404 Not Found: there is nothing of that name",
		410: "answered 410 Gone",
		451: "answered 451",
	} {
		s := newSite(t, "a\n")
		s.handle = answering(status)
		_, err := s.in.List(t.Context(), s.URL+"/a.txt")
		want(t, err, true, "input "+s.URL+"/a.txt: "+says)
		if len(s.pauses) > 0 {
			t.Errorf("%d: asked again", status)
		}
	}
	s := newSite(t, "a\n")
	source := s.list(t)
	s.handle = answering(403)
	_, err := s.read(t, source, 10)
	want(t, err, true, "answered 403")
}

func TestEncodedContentIsRefused(t *testing.T) {
	s := newSite(t, text(5000))
	source := s.list(t)
	s.handle = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if got := r.Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("asked for %q", got)
		}
		w.Header().Set("Content-Encoding", "gzip")
		return false
	}
	_, err := s.in.List(t.Context(), s.URL)
	want(t, err, true, "encoded (gzip)", "curl -O")
	_, err = s.read(t, source, 1000)
	want(t, err, true, "encoded (gzip)", "curl -O")
}

func TestNameThatIsNoURLIsRefused(t *testing.T) {
	for _, input := range []string{
		"http://", "http:///a", "http:a", "http://me:secret@h:port/", "http://me:sec/ret@h/", "ftp://me:secret@h/", "http://me:secret@h/%zz", "",
	} {
		_, err := New().List(t.Context(), input)
		want(t, err, true, "is no URL: use http://HOST/PATH")
		if strings.Contains(err.Error(), "sec") {
			t.Errorf("%v", err)
		}
	}
}

func TestRedirectIsFollowedByEachRequest(t *testing.T) {
	s := newSite(t, text(150_000))
	redirects := 0
	s.handle = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Path != "/a.txt" {
			if r.Header.Get("Referer") != "" {
				t.Errorf("told whence: %s", r.Header.Get("Referer"))
			}
			return false
		}
		redirects++
		http.Redirect(w, r, fmt.Sprintf("/real/%d", redirects), http.StatusFound)
		return true
	}
	source := s.list(t)
	if source.Name != s.URL+"/a.txt" {
		t.Errorf("%+v", source)
	}
	s.mustRead(t, source)
	if redirects != 4 {
		t.Errorf("%d redirects, want one for each request: %q", redirects, s.asked())
	}
}

func TestRedirectsAreBoundedAndLeadNowhereUnsafe(t *testing.T) {
	s := newSite(t, "a\n")
	for _, c := range []struct{ to, says string }{
		{"/again", "redirects more than 10 times"},
		{"ftp://h/a", "redirects to ftp"},
		{"file:///etc/passwd", "redirects to file"},
	} {
		s.handle = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			w.Header().Set("Location", c.to)
			w.WriteHeader(http.StatusFound)
			return true
		}
		_, err := s.in.List(t.Context(), s.URL+"/a.txt")
		want(t, err, true, "input "+s.URL+"/a.txt: "+c.says)
	}
	if most := 2*(maxRedirects+1) + 4; len(s.asked()) > most {
		t.Errorf("%d requests, %d at most", len(s.asked()), most)
	}
	secure := httptest.NewTLSServer(http.RedirectHandler(s.URL, http.StatusFound))
	defer secure.Close()
	s.handle = nil
	in := s.inputs()
	defer in.Close()
	_, err := in.List(t.Context(), secure.URL)
	want(t, err, true, "does not trust the server's certificate")
	if !errors.Is(err, mapreduce.ErrAbsent) {
		t.Errorf("%v does not wrap ErrAbsent", err)
	}
	in.client.Transport.(*http.Transport).TLSClientConfig = secure.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	in.Close()
	_, err = in.List(t.Context(), secure.URL)
	want(t, err, true, "redirects from https to http")
}

func TestHostThatThisWorkerDoesNotKnowMayBeKnownElsewhere(t *testing.T) {
	s := newSite(t, "")
	s.in.client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}
	}
	_, err := s.in.List(t.Context(), "http://h/a")
	want(t, err, true, "input http://h/a: there is no host of that name for this worker: lookup h: no such host")
	if !errors.Is(err, mapreduce.ErrAbsent) || len(s.pauses) > 0 {
		t.Errorf("%v, %d pauses", err, len(s.pauses))
	}
}

func TestLoginGoesToItsHostAndIntoNoMessage(t *testing.T) {
	other := newSite(t, "other\n")
	other.handle = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		if r.Header.Get("Authorization") != "" {
			t.Error("another host was told the login")
		}
		return false
	}
	s := newSite(t, "mine\n")
	away := ""
	s.handle = func(w http.ResponseWriter, r *http.Request, n int) bool {
		user, password, _ := r.BasicAuth()
		switch {
		case user != "me" || password != "secret":
			w.WriteHeader(http.StatusUnauthorized)
		case away != "":
			http.Redirect(w, r, away, http.StatusFound)
		case r.URL.Path == "/a.txt":
			http.Redirect(w, r, "/b.txt", http.StatusFound)
		default:
			return false
		}
		return true
	}
	name := strings.Replace(s.URL, "//", "//me:secret@", 1) + "/a.txt"
	sources, err := s.in.List(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	s.mustRead(t, sources[0])
	away = other.URL
	if _, err := s.in.List(t.Context(), name); err != nil {
		t.Error(err)
	}
	for _, to := range []string{"http://me:secret@h:port/", "ftp://me:secret@h/", "http://me:secret@127.0.0.1:1/"} {
		away = to
		_, err := s.in.List(t.Context(), name)
		noSecret(t, err)
	}
	away = ""
	s.edit("mine!\n", "Etag", `"two"`)
	_, err = s.read(t, sources[0], 10)
	noSecret(t, err)
	s.handle = answering(403)
	_, err = s.in.List(t.Context(), name)
	noSecret(t, err)
	s.Close()
	_, err = s.read(t, sources[0], 10)
	noSecret(t, err)
}

func noSecret(t *testing.T, err error) {
	t.Helper()
	if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "me:") {
		t.Errorf("%v", err)
	}
}

func TestIdentityAndItsTextAreOne(t *testing.T) {
	etags := rapid.SampledFrom([]string{`"a"`, `"a b"`, `W/"a"`, `"|"`, `""`, `W/""`, "", "x"})
	times := rapid.SampledFrom([]string{"", modified, "Monday, 02-Jan-06 15:04:05 GMT", "never"})
	rapid.Check(t, func(t *rapid.T) {
		header := http.Header{"Etag": {etags.Draw(t, "etag")}, "Last-Modified": {times.Draw(t, "time")}}
		id := identity{rapid.Int64Min(-1).Draw(t, "size"), validatorOf(header)}
		got, err := parseIdentity(id.String())
		if id.tells() && (err != nil || got != id) || !id.tells() && err == nil {
			t.Fatalf("%q: %+v, %v", id, got, err)
		}
	})
}

func FuzzHeadersAreReadOrRefused(f *testing.F) {
	f.Add("bytes 0-9/10", `10 "one"`, "http://me:secret@h/a?b#c")
	f.Add("bytes 0-9/*", "10 "+modified+` W/"w"`, "https://h")
	f.Fuzz(func(t *testing.T, extent, id, name string) {
		if s, err := parseSpan(extent); err == nil && (s.from < 0 || s.end <= s.from || s.total >= 0 && s.end > s.total) {
			t.Errorf("%q: %+v", extent, s)
		}
		if parsed, err := parseIdentity(id); err == nil && parsed.String() != id {
			t.Errorf("%q: %+v", id, parsed)
		}
		if r, err := New().resource(name); err == nil && (r.login != nil) != (r.title != r.name) {
			t.Errorf("%q: %q", name, r.title)
		}
	})
}
