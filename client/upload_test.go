package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"

	"jetreduce/client"
	"jetreduce/mapreduce"
)

// carrier keeps what is carried, in chunks of four bytes.
type carrier struct {
	chunks  map[[2]int][]byte
	files   []mapreduce.Carried
	flushed bool
	whole   bool
	pushed  func() // when something is carried; may be nil
	refusal error
}

func (c *carrier) ChunkSize() int { return 4 }

func (c *carrier) Carry(context.Context, string) (push func(file, chunk int, data []byte) error, flush func() error) {
	c.chunks = map[[2]int][]byte{}
	return func(file, chunk int, data []byte) error {
		c.chunks[[2]int{file, chunk}], c.flushed = data, false
		if c.pushed != nil {
			c.pushed()
		}
		return c.refusal
	}, func() error { c.flushed = true; return nil }
}

func (c *carrier) Complete(_ context.Context, _ string, files []mapreduce.Carried) error {
	c.files, c.whole = files, c.flushed || len(c.chunks) == 0
	return nil
}

// content puts a carried file together.
func (c *carrier) content(t *testing.T, file int) string {
	t.Helper()
	var text []byte
	for chunk := 0; len(c.chunks[[2]int{file, chunk}]) > 0; chunk++ {
		text = append(text, c.chunks[[2]int{file, chunk}]...)
	}
	f := c.files[file]
	if int64(len(text)) != f.Size || uint64(f.Digest) != xxh3.Hash(text) {
		t.Errorf("%s: %d bytes with digest %x, said to be %d with %x", f.Name, len(text), xxh3.Hash(text), f.Size, uint64(f.Digest))
	}
	return string(text)
}

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUploadCarriesFilesDirectoriesGlobsAndStandardInput(t *testing.T) {
	dir := t.TempDir()
	a := writeFile(t, filepath.Join(dir, "a"), "eight by")
	writeFile(t, filepath.Join(dir, "sub", "b"), "")
	writeFile(t, filepath.Join(dir, "sub", "c\xff"), "nine byte")
	writeFile(t, filepath.Join(dir, "x.log"), "x")
	writeFile(t, filepath.Join(dir, "y.log"), "y")
	c, told := &carrier{}, int64(0)
	names, err := client.Upload(t.Context(), c, client.UploadConfig{
		ID: "up", Inputs: []string{filepath.Join(dir, "*.log"), "-", filepath.Join(dir, "sub"), a},
		Stdin: iotest{strings.NewReader("from a pipe")}, Progress: func(bytes int64) { told = bytes },
	})
	if err != nil || !slices.Equal(bare(names), []string{"bus://up"}) {
		t.Fatal(names, err)
	}
	var got [][2]string
	for i, file := range c.files {
		got = append(got, [2]string{strings.TrimPrefix(file.Name, dir), c.content(t, i)})
	}
	want := [][2]string{
		{"/x.log", "x"}, {"/y.log", "y"}, {"standard input", "from a pipe"}, {"/sub/b", ""}, {"/sub/c\xff", "nine byte"}, {"/a", "eight by"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !c.whole || told != 2+11+9+8 {
		t.Errorf("all stored before it was complete: %v; told %d bytes", c.whole, told)
	}
}

// iotest gives a byte at a time, as a pipe may.
type iotest struct{ io.Reader }

func (r iotest) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(1, len(p))]) }

func TestInputsOfTheWorkersStayWhereTheyAre(t *testing.T) {
	dir := t.TempDir()
	a, b := writeFile(t, dir+"/a", "a"), writeFile(t, dir+"/b/1", "1")
	writeFile(t, dir+"/b/2", "2")
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	c := &carrier{}
	names, err := client.Upload(t.Context(), c, client.UploadConfig{
		ID: "up", Inputs: []string{a, "file:///x", empty, filepath.Dir(b), "stream://s"},
	})
	want := []string{"bus://up/0-0", "file:///x", "bus://up/1-2", "stream://s"}
	if diff := cmp.Diff(want, bare(names)); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if client.NeedsUpload([]string{"file:///x", "stream://s"}) || !client.NeedsUpload([]string{"file:///x", "-"}) {
		t.Error("what needs an upload is not told")
	}
}

func TestPipeIsCarriedLikeStandardInput(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(pipe, []byte("through it"), 0o644) }()
	c := &carrier{}
	if _, err := client.Upload(t.Context(), c, client.UploadConfig{ID: "up", Inputs: []string{pipe}}); err != nil {
		t.Fatal(err)
	}
	if got := c.content(t, 0); got != "through it" || c.files[0].Name != pipe {
		t.Errorf("%q of %s", got, c.files[0].Name)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

func TestFileThatChangesWhileItIsCarriedFailsTheUpload(t *testing.T) {
	for claim, change := range map[string]func(path string) error{
		"grew":   func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("x"), 50), 0o644) },
		"shrank": func(path string) error { return os.Truncate(path, 6) },
		"replaced": func(path string) error {
			return errors.Join(os.WriteFile(path+".1", nil, 0o644), os.Rename(path+".1", path))
		},
	} {
		path := writeFile(t, filepath.Join(t.TempDir(), "a"), strings.Repeat("x", 40))
		c := &carrier{}
		c.pushed = func() {
			c.pushed = nil
			if err := change(path); err != nil {
				t.Error(err)
			}
		}
		_, err := client.Upload(t.Context(), c, client.UploadConfig{ID: "up", Inputs: []string{path}})
		if !errors.Is(err, mapreduce.ErrInputChanged) || !strings.Contains(err.Error(), path) || c.whole {
			t.Errorf("%s: %v; complete: %v", claim, err, c.whole)
		}
	}
}

func TestUploadThatCannotBeIsNotComplete(t *testing.T) {
	path := writeFile(t, filepath.Join(t.TempDir(), "a"), "text")
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	for claim, test := range map[string]struct {
		ctx     context.Context
		refusal error
		input   string
		stdin   io.Reader
		words   string
	}{
		"missing": {t.Context(), nil, path + "x", nil, path + "x"}, "bus": {t.Context(), broken, path, nil, "broken"},
		"stopped": {cancelled, nil, path, nil, ""},
		"stdin":   {t.Context(), nil, "-", io.MultiReader(strings.NewReader("12345"), failing{broken}), "standard input"},
	} {
		c := &carrier{refusal: test.refusal}
		_, err := client.Upload(test.ctx, c, client.UploadConfig{ID: "up", Inputs: []string{test.input}, Stdin: test.stdin})
		if err == nil || !strings.Contains(err.Error(), test.words) || c.whole {
			t.Errorf("%s: %v; complete: %v", claim, err, c.whole)
		}
	}
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

// bare is the names without what the files hold.
func bare(names []string) []string {
	var bare []string
	for _, name := range names {
		name, _, _ = strings.Cut(name, "#")
		bare = append(bare, name)
	}
	return bare
}

func TestSameFilesAreCalledTheSameHoweverTheyAreCarried(t *testing.T) {
	dir := t.TempDir()
	a := writeFile(t, dir+"/a", "same")
	holds := func(upload string) string {
		names, err := client.Upload(t.Context(), &carrier{}, client.UploadConfig{ID: upload, Inputs: []string{a}})
		if err != nil {
			t.Fatal(err)
		}
		_, holds, _ := strings.Cut(names[0], "#")
		return holds
	}
	first := holds("one")
	if second := holds("two"); second != first || first == "" {
		t.Errorf("%q and %q", first, second)
	}
	writeFile(t, a, "other")
	if third := holds("three"); third == first {
		t.Errorf("other bytes are called the same: %q", third)
	}
}

// A fingerprint is of files as they are: written to, they have another, and what can be read only once has none.
func TestFingerprintIsOfFilesAsTheyAre(t *testing.T) {
	dir := t.TempDir()
	a := writeFile(t, filepath.Join(dir, "a"), "same")
	print := func(chunkSize int, inputs ...string) string {
		t.Helper()
		got, err := client.Fingerprint(t.Context(), inputs, chunkSize)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := print(4, a, "file:///x")
	if first == "" || first != print(4, a) || first == print(5, a) || print(4, a, "-") != "" {
		t.Errorf("%q, %q, %q and %q", first, print(4, a), print(5, a), print(4, a, "-"))
	}
	if err := os.Chtimes(a, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if again := print(4, a); again == first {
		t.Errorf("another time, and still %q", again)
	}
	if _, err := client.Fingerprint(t.Context(), []string{a + "x"}, 4); err == nil {
		t.Error("a file that is not there has a fingerprint")
	}
}
