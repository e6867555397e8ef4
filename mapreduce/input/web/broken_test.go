package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// cutting serves the content, and breaks every answer off behind so many bytes of its body.
func cutting(s *site, bytes int, reset bool) func(http.ResponseWriter, *http.Request, int) bool {
	serve := s.handle
	return func(w http.ResponseWriter, r *http.Request, n int) bool {
		if r.Method == http.MethodHead || r.Header.Get("Range") == "bytes=0-0" {
			return serve != nil && serve(w, r, n)
		}
		cut := &cutter{w, bytes, reset}
		if serve == nil || !serve(cut, r, n) {
			http.ServeContent(cut, r, "", time.Time{}, strings.NewReader(s.content))
		}
		return true
	}
}

type cutter struct {
	http.ResponseWriter
	left  int
	reset bool
}

func (c *cutter) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left])
	c.Flush()
	if c.reset {
		conn, _, err := c.ResponseWriter.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}
	panic(http.ErrAbortHandler)
}

func TestBrokenConnectionIsTakenUpAtItsByte(t *testing.T) {
	for _, reset := range []bool{false, true} {
		s := newSite(t, text(150_000))
		source := s.list(t)
		cut := cutting(s, 30_000, reset)
		s.handle = func(w http.ResponseWriter, r *http.Request, n int) bool { return n%2 == 0 && cut(w, r, n) }
		s.mustRead(t, source)
		if asked := s.asked(); len(asked) < 4 || len(s.pauses) == 0 {
			t.Errorf("nothing broke: %q", asked)
		}
	}
}

// Patience is for one place: who gets on is not counted out.
func TestLongReadOutlivesManyBreaks(t *testing.T) {
	s := newSite(t, text(9*progress))
	source := s.list(t)
	s.handle = cutting(s, progress+1000, false)
	if got, err := s.read(t, source, progress); err != nil || got != s.content {
		t.Errorf("read %d bytes: %v", len(got), err)
	}
	if len(s.pauses) < maxTries {
		t.Errorf("%d breaks", len(s.pauses))
	}
}

func TestPouredAnswerThatBreaksIsTakenUpAtItsByte(t *testing.T) {
	for _, pieces := range []bool{false, true} {
		s := newSite(t, text(150_000))
		s.handle = without(s.content, pieces)
		source, serve := s.list(t), s.handle
		breaks := 0
		s.handle = func(w http.ResponseWriter, r *http.Request, n int) bool {
			if r.Method != http.MethodGet || breaks == 3 {
				return serve(w, r, n)
			}
			breaks++
			return serve(&cutter{w, 40_000 * breaks, false}, r, n)
		}
		s.mustRead(t, source)
		if breaks != 3 {
			t.Errorf("broke %d times", breaks)
		}
	}
}

// A body that is shorter than its server says, and stays so.
func TestTruncatedBodyIsNeverShorterContent(t *testing.T) {
	for _, handle := range []func(http.ResponseWriter, *http.Request, int) bool{nil, without(text(5000), false), without(text(5000), true)} {
		s := newSite(t, text(5000))
		s.handle = handle
		source := s.list(t)
		s.handle = cutting(s, 100, false)
		if handle == nil {
			s.handle = cutting(s, 0, false)
		}
		_, err := s.read(t, source, 1000)
		want(t, err, false, "input "+s.URL+"/a.txt: ", "tried 5 times")
		if len(s.pauses) != maxTries-1 {
			t.Errorf("%d pauses", len(s.pauses))
		}
	}
}

// HTTP/1.0 without a length: the end of the body is that of the connection, broken or not.
func TestAnswerWithoutAnEndIsRefused(t *testing.T) {
	s := newSite(t, "")
	s.handle = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = fmt.Fprintf(buffered, "HTTP/1.0 200 OK\r\nETag: %s\r\n\r\nhalf of it", strong)
			_ = buffered.Flush()
			_ = conn.Close()
		}
		return true
	}
	_, err := s.in.List(t.Context(), s.URL+"/a.txt")
	want(t, err, true, "does not say where it ends", "curl -O")
	_, err = s.read(t, mapreduce.Source{Name: s.URL, Size: 1, Whole: true, Identity: `-1 "one"`}, 10)
	want(t, err, false, "does not say where it ends")
}

func TestServerInTroubleIsAskedAgain(t *testing.T) {
	for _, status := range []int{408, 429, 500, 503} {
		s := newSite(t, text(5000))
		s.handle = func(w http.ResponseWriter, r *http.Request, n int) bool {
			if n > 3 && n != 5 {
				return false
			}
			w.Header().Set("Retry-After", []string{"", "7", "Mon, 02 Jan 2006 15:04:14 GMT", "3600", "", "x"}[n])
			w.Header().Set("Date", modified)
			w.WriteHeader(status)
			return true
		}
		source := s.list(t)
		s.mustRead(t, source)
		if len(s.pauses) != 3 || s.pauses[0] != 9*time.Second || s.pauses[1] != maxAfter || s.pauses[2] > time.Second {
			t.Errorf("paused %v", s.pauses)
		}
	}
}

func TestServerThatStaysInTroubleFailsTheAttempt(t *testing.T) {
	s := newSite(t, text(5000))
	source := s.list(t)
	s.handle = answering(503)
	_, err := s.read(t, source, 1000)
	want(t, err, false, "input "+s.URL+"/a.txt: answered 503 Service Unavailable (tried 5 times)")
	_, err = s.in.List(t.Context(), s.URL+"/a.txt")
	want(t, err, false, "answered 503 Service Unavailable (tried 5 times)")
	s.Close()
	_, err = s.in.List(t.Context(), s.URL+"/a.txt")
	want(t, err, false, "input "+s.URL+"/a.txt: dial tcp ", "connection refused (tried 5 times)")
}

func TestSilentServerIsAskedAgain(t *testing.T) {
	s := newSite(t, text(5000))
	source := s.list(t)
	s.in.silence = 50 * time.Millisecond
	s.handle = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n == 2 {
			w.Header().Set("Content-Range", "bytes 0-4999/5000")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = io.WriteString(w, s.content[:1000])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
		return n == 2
	}
	s.mustRead(t, source)
	if len(s.pauses) == 0 { // more than one where this machine itself was silent
		t.Error("it did not pause")
	}
}

func TestCancelEndsARequestThatWaits(t *testing.T) {
	for _, started := range []bool{false, true} {
		s := newSite(t, text(5000))
		source := s.list(t)
		ctx, cancel := context.WithCancel(t.Context())
		s.handle = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			if started {
				w.Header().Set("Content-Range", "bytes 0-4999/5000")
				w.WriteHeader(http.StatusPartialContent)
				w.(http.Flusher).Flush()
			}
			cancel()
			<-r.Context().Done()
			return true
		}
		content, err := s.in.Open(ctx, source)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := content.Read(make([]byte, 5000), 0); !errors.Is(err, context.Canceled) || mapreduce.IsPermanent(err) {
			t.Errorf("%v", err)
		}
		if err := content.Verify(); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if err := content.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Answers to a range that are of another.
func TestAnswerThatIsNotWhatWasAskedForIsRefused(t *testing.T) {
	content := text(5000)
	answer := func(status int, extent, body string) func(w http.ResponseWriter, _ *http.Request, n int) bool {
		return func(w http.ResponseWriter, _ *http.Request, n int) bool {
			if extent != "" {
				w.Header().Set("Content-Range", extent)
			}
			w.WriteHeader(status)
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	for _, c := range []struct {
		handle func(w http.ResponseWriter, _ *http.Request, n int) bool
		says   string
	}{
		{answer(200, "", content), "gives no parts any more"},
		{answer(206, "", content), "content range"},
		{answer(206, "bytes 1-4999/5000", content[1:]), "got 1-4999"},
		{answer(206, "bytes 0-5000/5000", content), "content range"},
		{answer(206, "bytes 0-4999/5000", content+"more"), "sent more"},
		{answer(206, "bytes 0-4999/*", content), "of -1"},
		{answer(206, "bytes 0-4999/5000", ""), "ended at byte 0, of 5000 (tried 5 times)"},
		{answer(204, "", ""), "answered 204"},
	} {
		s := newSite(t, content)
		source := s.list(t)
		s.handle = c.handle
		_, err := s.read(t, source, 1000)
		want(t, err, false, c.says)
	}
}

// A server that says nothing HTTP.
func TestServerThatSpeaksOtherwiseFailsTheAttempt(t *testing.T) {
	s := newSite(t, "")
	s.handle = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			out := bufio.NewWriter(conn)
			_, _ = out.WriteString("220 mail ready\r\n")
			_ = out.Flush()
			_ = conn.Close()
		}
		return true
	}
	_, err := s.in.List(t.Context(), s.URL)
	want(t, err, false, "malformed HTTP")
}
