package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"jetreduce/mapreduce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a web server with one resource.
type site struct {
	*httptest.Server
	in *Inputs

	mu       sync.Mutex
	content  string
	header   http.Header                                              // of each answer
	handle   func(w http.ResponseWriter, r *http.Request, n int) bool // request n, from 1; true: that was the answer
	requests []string
	peers    map[string]bool // connections
	pauses   []time.Duration
}

const (
	strong   = `"one"`
	modified = "Mon, 02 Jan 2006 15:04:05 GMT"
)

// newSite serves the content, with ranges and a strong ETag. Pauses take no time.
func newSite(t *testing.T, content string) *site {
	t.Helper()
	s := &site{content: content, header: http.Header{"Etag": {strong}}, peers: map[string]bool{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Server.Close)
	s.in = s.inputs()
	t.Cleanup(s.in.Close)
	return s
}

func (s *site) inputs() *Inputs {
	in := New()
	in.pause = func(ctx context.Context, d time.Duration) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.pauses = append(s.pauses, d)
		return ctx.Err()
	}
	return in
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+r.Header.Get("Range")))
	s.peers[r.RemoteAddr] = true
	n, content, handle := len(s.requests), s.content, s.handle
	for name, values := range s.header {
		w.Header()[name] = values
	}
	s.mu.Unlock()
	if handle == nil || !handle(w, r, n) {
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
	}
}

// edit changes what the server has.
func (s *site) edit(content, name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.content, s.header = content, http.Header{name: {value}}
}

func (s *site) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// without serves the content as it is, whatever is asked for; pieces: of unknown length.
func without(content string, pieces bool) func(http.ResponseWriter, *http.Request, int) bool {
	return func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if condition := r.Header.Get("If-Match"); condition != "" && condition != w.Header().Get("Etag") {
			w.WriteHeader(http.StatusPreconditionFailed)
			return true
		}
		if pieces {
			w.(http.Flusher).Flush()
		} else {
			w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		}
		_, _ = io.WriteString(w, content)
		return true
	}
}

func (s *site) list(t *testing.T) mapreduce.Source {
	t.Helper()
	sources, err := s.in.List(t.Context(), s.URL+"/a.txt")
	if err != nil || len(sources) != 1 {
		t.Fatalf("%d sources: %v", len(sources), err)
	}
	return sources[0]
}

// read reads a source as a map task does, with reads of so many bytes.
func (s *site) read(t *testing.T, source mapreduce.Source, step int) (string, error) {
	t.Helper()
	content, err := s.in.Open(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := content.Close(); err != nil {
			t.Error(err)
		}
	}()
	var all strings.Builder
	from := content.Pour
	if from == nil {
		from = io.NewSectionReader(readerAt(content.Read), 0, source.Size)
	}
	if _, err := io.CopyBuffer(&all, struct{ io.Reader }{from}, make([]byte, step)); err != nil {
		return all.String(), err
	}
	return all.String(), content.Verify()
}

type readerAt func(p []byte, offset int64) (int, error)

func (f readerAt) ReadAt(p []byte, offset int64) (int, error) { return f(p, offset) }

// mustRead reads all of the site's content.
func (s *site) mustRead(t *testing.T, source mapreduce.Source) {
	t.Helper()
	got, err := s.read(t, source, 1000)
	if err != nil || got != s.content {
		t.Errorf("read %d bytes, want %d: %v", len(got), len(s.content), err)
	}
}

func want(t *testing.T, err error, permanent bool, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	if mapreduce.IsPermanent(err) != permanent {
		t.Errorf("error %q: permanent is %t", err, !permanent)
	}
}

func wantChanged(t *testing.T, err error, parts ...string) {
	t.Helper()
	want(t, err, true, parts...)
	if !errors.Is(err, mapreduce.ErrInputChanged) {
		t.Errorf("error %q does not wrap ErrInputChanged", err)
	}
}

// text is so many bytes of numbered lines.
func text(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		b.WriteString(strings.Repeat(string(rune('a'+i%26)), i%70))
		b.WriteByte('\n')
	}
	return b.String()[:size]
}
