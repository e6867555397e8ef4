package web

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/input"
)

func TestServerWithRangesIsASourceThatCanBeCut(t *testing.T) {
	s := newSite(t, text(5000))
	source := s.list(t)
	want := mapreduce.Source{Name: s.URL + "/a.txt", Size: 5000, Identity: `5000 "one"`}
	if diff := cmp.Diff(want, source); diff != "" {
		t.Error(diff)
	}
	s.mustRead(t, source)
}

func TestServerWithoutRangesIsASourceThatIsPoured(t *testing.T) {
	for name, c := range map[string]struct {
		pieces bool
		size   int64
		id     string
	}{
		"length":    {false, 5000, `5000 "one"`},
		"no length": {true, unknownSize, `-1 "one"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, text(5000))
			s.handle = without(s.content, c.pieces)
			source := s.list(t)
			if !source.Whole || source.Size != c.size || source.Identity != c.id {
				t.Errorf("%+v", source)
			}
			s.mustRead(t, source)
		})
	}
}

func TestEmptyResourceIsEmptyOnlyWhenItsContentIs(t *testing.T) {
	s := newSite(t, "")
	if source := s.list(t); source.Size != 0 || source.Whole {
		t.Errorf("%+v", source)
	}
	s.content = text(3000)
	s.handle = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		return r.Method == http.MethodHead // "Content-Length: 0", as some servers say of all
	}
	source := s.list(t)
	if source.Size != 3000 {
		t.Errorf("%+v", source)
	}
	s.mustRead(t, source)
}

// Reading on takes few requests; reading here and there takes no more bytes than are read.
func TestRequestsGrowWhereReadingGoesOn(t *testing.T) {
	s := newSite(t, text(1<<20))
	source := s.list(t)
	content, err := s.in.Open(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	for _, offset := range []int64{0, 500_000, 700_000, 765_536, 831_072} {
		p := make([]byte, leastWindow)
		if n, err := content.Read(p, offset); err != nil || string(p[:n]) != s.content[offset:offset+leastWindow] {
			t.Fatal(offset, n, err)
		}
	}
	want := []string{"HEAD", "GET bytes=0-65535", "GET bytes=500000-565535", "GET bytes=700000-765535", "GET bytes=765536-896607"}
	if diff := cmp.Diff(want, s.asked()); diff != "" {
		t.Error(diff)
	}
	if len(s.peers) != 1 {
		t.Errorf("%d connections, want one", len(s.peers))
	}
	if n, err := content.Read(make([]byte, 10), 1<<20-4); n != 4 || err != io.EOF {
		t.Error(n, err)
	}
}

func TestServerMayGiveLessThanIsAskedFor(t *testing.T) {
	s := newSite(t, text(5000))
	s.handle = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if part, err := parseSpan("bytes " + strings.TrimPrefix(r.Header.Get("Range"), "bytes=") + "/5000"); err == nil {
			less := (part.end - part.from + 1) / 2
			r.Header.Set("Range", rangeOf(part.from, part.from+less))
		}
		return false
	}
	s.mustRead(t, s.list(t))
}

func TestHeadThatIsRefusedIsAskedByAGet(t *testing.T) {
	for _, status := range []int{403, 404, 405, 500, 501} {
		s := newSite(t, text(5000))
		s.handle = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			if r.Method == http.MethodHead {
				w.WriteHeader(status)
			}
			return r.Method == http.MethodHead
		}
		source := s.list(t)
		if source.Size != 5000 || source.Whole {
			t.Errorf("%+v", source)
		}
		s.mustRead(t, source)
	}
}

func TestQueryAndCompressedNameAreKept(t *testing.T) {
	s := newSite(t, "a\n")
	for typed, want := range map[string]mapreduce.Source{
		s.URL + "/a.gz?x=%20y&b#top": {Name: s.URL + "/a.gz?x=%20y&b"},
		strings.Replace(s.URL, "//", "//me:secret@", 1) + "/a.gz": {
			Name: strings.Replace(s.URL, "//", "//me:secret@", 1) + "/a.gz", As: s.URL + "/a.gz",
		},
	} {
		sources, err := s.in.List(t.Context(), typed)
		if err != nil || len(sources) != 1 || sources[0].Name != want.Name || sources[0].As != want.As {
			t.Errorf("%s: %+v, %v", typed, sources, err)
		}
	}
}

// What a job reads, by ranges or not and whatever the split size, is the content.
func TestSplitsOfAURLAreItsContent(t *testing.T) {
	s := newSite(t, "")
	reach := input.Reach{Schemes: map[string]input.Scheme{"http": s.in}}
	rapid.Check(t, func(t *rapid.T) {
		s.edit(text(rapid.IntRange(0, 300_000).Draw(t, "size")), "Etag", strong)
		var got strings.Builder
		cfg := input.PlanConfig{Reach: reach, SplitSize: int64(rapid.IntRange(1000, 200_000).Draw(t, "split"))}
		s.handle = nil
		if mode := rapid.IntRange(0, 2).Draw(t, "mode"); mode > 0 {
			s.handle = without(s.content, mode == 2)
		}
		batch := rapid.IntRange(1, 100_000).Draw(t, "batch")
		cfg.Store = func(chunk mapreduce.PlanChunk) error {
			for i := range chunk.Splits {
				split, err := chunk.Split(i)
				if err != nil {
					return err
				}
				if err := pourSplit(&got, input.Open(split, input.ReadConfig{Reach: reach, BatchSize: batch})); err != nil {
					return err
				}
			}
			return nil
		}
		if _, err := input.Plan(context.Background(), []string{s.URL + "/a"}, cfg); err != nil {
			t.Fatal(err)
		}
		if got.String() != s.content {
			t.Fatalf("%d bytes, want %d", got.Len(), len(s.content))
		}
	})
}

// What is compressed is read whole, also from a server with ranges, and goes on at the byte where it broke.
func TestCompressedURLIsReadWhole(t *testing.T) {
	var packed strings.Builder
	zip := gzip.NewWriter(&packed)
	_, err := zip.Write([]byte(text(500_000)))
	if err = errors.Join(err, zip.Close()); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, packed.String())
	cut, reach := cutting(s, len(s.content)/3, false), input.Reach{Schemes: map[string]input.Scheme{"http": s.in}}
	s.handle = func(w http.ResponseWriter, r *http.Request, n int) bool { return n == 2 && cut(w, r, n) }
	sources, err := input.List(t.Context(), []string{s.URL + "/a.gz"}, reach)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	split := mapreduce.Split{{Source: sources[0], Length: sources[0].Size}}
	if err := pourSplit(&got, input.Open(split, input.ReadConfig{Reach: reach})); err != nil || got.String() != text(500_000) {
		t.Errorf("%d bytes, %v", got.Len(), err)
	}
	if want := fmt.Sprintf("GET bytes=%d-%d", len(s.content)/3, len(s.content)-1); s.asked()[2] != want {
		t.Errorf("asked %q, want %q", s.asked(), want)
	}
}

func pourSplit(to io.StringWriter, r *input.Reader) error {
	defer func() { _ = r.Close() }()
	for {
		batch, err := r.Next(context.Background())
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := to.WriteString(string(batch.Data)); err != nil {
			return err
		}
	}
}
