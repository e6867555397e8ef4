package examples_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/tools/txtar"
)

// fixture is what a document takes for granted, in testdata/NAME.txtar: files, and
//
//	objects/BUCKET/NAME      an object of a store on the bus
//	streams/NAME/SUBJECT     a stream on the bus, that takes that subject; each line is a message, its first word the header Kind
func fixture(t *testing.T, document string) *txtar.Archive {
	t.Helper()
	name := strings.TrimSuffix(filepath.Base(document), ".md") + ".txtar"
	archive, err := txtar.ParseFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// writeFiles writes what stands in files, compressed as its name says, scripts as what can be run.
func writeFiles(t *testing.T, dir string, archive *txtar.Archive) {
	t.Helper()
	for _, file := range archive.Files {
		mode := os.FileMode(0o600)
		if strings.HasSuffix(file.Name, ".py") {
			mode = 0o700
		}
		path := filepath.Join(dir, file.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, packed(t, file), mode); err != nil {
			t.Fatal(err)
		}
	}
}

func packed(t *testing.T, file txtar.File) []byte {
	t.Helper()
	var to bytes.Buffer
	var w io.WriteCloser
	switch filepath.Ext(file.Name) {
	case ".gz":
		w = gzip.NewWriter(&to)
	case ".zst":
		var err error
		if w, err = zstd.NewWriter(&to); err != nil {
			t.Fatal(err)
		}
	default:
		return file.Data
	}
	if _, err := w.Write(file.Data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

// fill puts objects and messages on a bus.
func fill(t *testing.T, url string, archive *txtar.Archive) {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, file := range archive.Files {
		parts := strings.SplitN(file.Name, "/", 3)
		switch {
		case parts[0] == "objects":
			err = putObject(ctx, js, parts[1], parts[2], file.Data)
		case parts[0] == "streams":
			err = publish(ctx, js, parts[1], parts[2], file.Data)
		}
		if err != nil {
			t.Fatalf("put %s on the bus: %v", file.Name, err)
		}
	}
}

func putObject(ctx context.Context, js jetstream.JetStream, bucket, name string, data []byte) error {
	store, err := js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: bucket})
	if err == nil {
		_, err = store.PutBytes(ctx, name, data)
	}
	return err
}

// publish makes a stream that takes all subjects which begin as this one does, and fills it.
func publish(ctx context.Context, js jetstream.JetStream, stream, subject string, lines []byte) error {
	first, _, _ := strings.Cut(subject, ".")
	config := jetstream.StreamConfig{Name: stream, Subjects: []string{first + ".>"}}
	if _, err := js.CreateOrUpdateStream(ctx, config); err != nil {
		return err
	}
	for line := range strings.Lines(string(lines)) {
		message := nats.NewMsg(subject)
		message.Data = []byte(strings.TrimSuffix(line, "\n"))
		kind, _, _ := strings.Cut(string(message.Data), " ")
		message.Header.Set("Kind", kind)
		if _, err := js.PublishMsg(ctx, message); err != nil {
			return err
		}
	}
	return nil
}
