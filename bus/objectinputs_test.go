package bus_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// shelf is a bucket BOOKS that a test fills, and what a job would read of it.
type shelf struct {
	t      *testing.T
	ctx    context.Context
	store  jetstream.ObjectStore
	js     jetstream.JetStream
	inputs *bus.ObjectInputs
}

func booksOn(t *testing.T, names ...string) *shelf {
	t.Helper()
	s := bustest.StartBare(t)
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	b := &shelf{t: t, ctx: deadline(t), js: js, inputs: s.Bus().ObjectInputs()}
	if b.store, err = js.CreateObjectStore(b.ctx, jetstream.ObjectStoreConfig{Bucket: "BOOKS"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b.put(name, "text of "+name)
	}
	return b
}

func (b *shelf) put(name, text string) {
	b.t.Helper()
	if _, err := b.store.PutString(b.ctx, name, text); err != nil {
		b.t.Fatal(err)
	}
}

func (b *shelf) list(input string) []mapreduce.Source {
	b.t.Helper()
	found, err := b.inputs.List(b.ctx, input)
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

func TestObjectsAreListedByNameByDirectoryAndByPattern(t *testing.T) {
	t.Parallel()
	b := booksOn(t, "b.txt", "a.txt", "dir/é 1%.txt", "dir/2", "dir/sub/3", "x[1]", "gone")
	if err := b.store.Delete(b.ctx, "gone"); err != nil {
		t.Fatal(err)
	}
	for input, want := range map[string][]string{
		"object://BOOKS/a.txt":            {"a.txt"},
		"object://BOOKS/*.txt":            {"a.txt", "b.txt"},
		"object://BOOKS/?.txt":            {"a.txt", "b.txt"},
		"object://BOOKS/dir/":             {"dir/2", "dir/sub/3", "dir/é 1%.txt"},
		"object://BOOKS/dir/*":            {"dir/2", "dir/é 1%.txt"},
		"object://BOOKS/dir/é%201%25.txt": {"dir/é 1%.txt"},
		"object://BOOKS/x[1]":             {"x[1]"}, // a literal name wins over a pattern
		"object://BOOKS/":                 {"a.txt", "b.txt", "dir/2", "dir/sub/3", "dir/é 1%.txt", "x[1]"},
		"object://BOOKS":                  {"a.txt", "b.txt", "dir/2", "dir/sub/3", "dir/é 1%.txt", "x[1]"},
	} {
		var got []string
		for _, source := range b.list(input) {
			text, err := read(b.ctx, b.inputs.Open, source)
			name := strings.TrimPrefix(text, "text of ")
			if got = append(got, name); err != nil || source.As != source.Name || !source.Whole || source.Size != int64(len(text)) {
				t.Errorf("%+v: %v", source, err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", input, got, want)
		}
	}
}

func TestObjectsOfAllSizesComeBack(t *testing.T) {
	t.Parallel()
	b := booksOn(t)
	for _, size := range []int{0, 1, 128 << 10, 128<<10 + 1, 5 << 20} {
		text := noise(size, uint64(size))
		b.put("book.gz", text)
		found := b.list("object://BOOKS/book.gz")
		if got, err := read(b.ctx, b.inputs.Open, found[0]); err != nil || got != text || found[0].Title() != "object://BOOKS/book.gz" {
			t.Errorf("%d bytes of %d, %v", len(got), size, err)
		}
	}
}

func TestObjectThatChangedDuringTheJobIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(b *shelf) error
		want   string
	}{
		"replaced": {func(b *shelf) error { b.put("a", noise(1<<20, 2)); return nil }, "object a of bucket BOOKS: was replaced while the job ran"},
		"deleted":  {func(b *shelf) error { return b.store.Delete(b.ctx, "a") }, "object a of bucket BOOKS: was deleted while the job ran"},
		"bucket":   {func(b *shelf) error { return b.js.DeleteObjectStore(b.ctx, "BOOKS") }, "was deleted while the job ran"},
	} {
		for _, read := range []int{0, 200 << 10, 5 << 20} { // before it is opened, in the middle, when all is read
			b := booksOn(t)
			b.put("a", noise(5<<20, 1))
			source := b.list("object://BOOKS/a")[0]
			var err error
			if read == 0 {
				err = c.change(b)
			}
			content, opening := b.inputs.Open(b.ctx, source)
			if opening == nil {
				_, err = io.ReadFull(content.Pour, make([]byte, read))
				err = errors.Join(err, c.change(b))
			}
			if err != nil {
				t.Fatal(err)
			}
			if opening == nil {
				_, err = io.Copy(io.Discard, content.Pour)
				err = errors.Join(err, content.Verify(), content.Close())
			}
			if err = errors.Join(opening, err); !errors.Is(err, mapreduce.ErrInputChanged) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s after %d bytes: %v", name, read, err)
			}
		}
	}
}

func TestDamagedObjectIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	b := booksOn(t)
	b.put("a", noise(300<<10, 1))
	source := b.list("object://BOOKS/a")[0]
	stream, err := b.js.Stream(b.ctx, "OBJ_BOOKS")
	if err == nil {
		err = stream.DeleteMsg(b.ctx, 2)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(b.ctx, b.inputs.Open, source); !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "is damaged: 176128 of 307200 bytes") {
		t.Error(err)
	}
}

func TestLinksLeadToObjects(t *testing.T) {
	t.Parallel()
	b := booksOn(t, "a")
	a, err := b.store.GetInfo(b.ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	link, err := b.store.AddLink(b.ctx, "link", a)
	if err != nil {
		t.Fatal(err)
	}
	other, err := b.js.CreateObjectStore(b.ctx, jetstream.ObjectStoreConfig{Bucket: "OTHER"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = other.AddBucketLink(b.ctx, "all", b.store); err == nil {
		_, err = other.AddLink(b.ctx, "far", a)
	}
	if err != nil || link == nil {
		t.Fatal(err)
	}
	for _, input := range []string{"object://BOOKS/link", "object://OTHER/far"} {
		found := b.list(input)
		if text, err := read(b.ctx, b.inputs.Open, found[0]); err != nil || text != "text of a" || found[0].As != input ||
			found[0].Name != "object://BOOKS/a" {
			t.Errorf("%+v: %q %v", found, text, err)
		}
	}
	if found := b.list("object://BOOKS/"); len(found) != 1 {
		t.Errorf("an object and a link to it are read once: %+v", found)
	}
	if err := b.store.Delete(b.ctx, "a"); err != nil {
		t.Fatal(err)
	}
	for input, want := range map[string]string{
		"object://OTHER/all":    "is a link to the whole bucket BOOKS: name that",
		"object://OTHER/far":    "is a link to object a of bucket BOOKS, which is not there",
		"object://BOOKS/none":   "no object of bucket BOOKS has that name or matches it",
		"object://BOOKS/*.none": "no object of bucket BOOKS has that name or matches it",
		"object://BOOKS/[":      "syntax error in pattern",
		"object://NONE/a":       "no bucket NONE",
		"object://NONE/":        "NONE",
		"object://":             "use object://BUCKET/NAME",
		"object://B/%":          "use object://BUCKET/NAME",
	} {
		if _, err := b.inputs.List(b.ctx, input); !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", input, err, want)
		}
	}
}
