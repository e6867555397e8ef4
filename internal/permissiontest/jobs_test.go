package permissiontest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/client"
	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

const (
	text  = "a b a\nc a b\n"
	table = "a\t3\nb\t2\nc\t1\n" // of that text
)

// world is a system whose parts have just their permissions, and what users have made beside it.
type world struct {
	*stage
	js jetstream.JetStream // of somebody who may do everything
}

func newWorld(ctx context.Context, t *testing.T, config coordinator.Config) *world {
	t.Helper()
	w := &world{stage: newStage(t)}
	js, err := jetstream.New(w.as(admin))
	if err != nil {
		t.Fatal(err)
	}
	w.js = js
	w.system(ctx, config)
	w.led(ctx)
	return w
}

// led waits until somebody leads.
func (w *world) led(ctx context.Context) {
	w.t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for desk := w.bus("client").Desk(); ; {
		_, err := desk.List(ctx)
		if err == nil {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			w.t.Fatal(err)
		}
	}
}

// stores makes what is a user's own: streams and a bucket of objects.
func (w *world) stores(ctx context.Context) {
	w.t.Helper()
	for name, subject := range map[string]string{"PULLED": "pulled", "PLAIN": "plain", "ROWS": "rows.>"} {
		_, err := w.js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{subject}, AllowDirect: true})
		if err != nil {
			w.t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			if name != "ROWS" {
				if _, err := w.js.Publish(ctx, subject, []byte(line)); err != nil {
					w.t.Fatal(err)
				}
			}
		}
	}
	objects, err := w.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "theirs"})
	if err == nil {
		_, err = objects.PutString(ctx, "in.txt", text)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// run runs a job as a user, and returns its last status.
func run(ctx context.Context, b *bus.Bus, job mapreduce.Job) (mapreduce.Status, error) {
	job.ID = client.NewID("test")
	status, err := client.Run(ctx, b.Desk(), job, client.View{})
	if err == nil && status.State != mapreduce.Done {
		err = fmt.Errorf("it is %s: %s", status.State, status.Error)
	}
	return status, err
}

// result is the result of a job that has none but on the bus.
func result(ctx context.Context, b *bus.Bus, status mapreduce.Status) (string, error) {
	reader, err := b.Results().Fetch(ctx, status.UID, status.Output)
	if err != nil {
		return "", err
	}
	found, err := io.ReadAll(reader)
	return string(found), errors.Join(err, reader.Close())
}

func words(inputs ...string) mapreduce.Job {
	return mapreduce.Job{Program: "wordcount", Inputs: inputs, Reduces: 2}
}

// carried uploads the text as a user.
func carried(ctx context.Context, t *testing.T, b *bus.Bus) []string {
	t.Helper()
	id, err := b.Desk().NewUpload(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	inputs, err := client.Upload(ctx, b.Carrier(), client.UploadConfig{ID: id, Inputs: []string{"-"}, Stdin: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	return inputs
}

// All kinds of inputs, under least permissions.
func TestJobsOfAllInputsAreExactUnderTheirUsers(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	w := newWorld(ctx, t, coordinator.Config{})
	w.stores(ctx)
	b := w.bus("client")
	path := filepath.Join(t.TempDir(), "in.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, inputs := range map[string][]string{
		"file": {path}, "carried": carried(ctx, t, b), "object": {"object://theirs/in.txt"}, "objects": {"object://theirs/*"},
		"stream by a consumer": {"stream://PULLED"}, "stream by gets": {"stream://PLAIN"}, "subject": {"stream://PLAIN?subject=plain"},
	} {
		status, err := run(ctx, b, words(inputs...))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := result(ctx, b, status); err != nil || got != table {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, table)
		}
	}
	w.quiet("CONSUMER.CREATE.PLAIN.", "CONSUMER.DELETE.PULLED.") // there are other ways
}

// outcome reads what stands at a place.
type outcome func(ctx context.Context, w *world) (string, error)

func TestJobsOfAllOutputsAreExactUnderTheirUsers(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	w := newWorld(ctx, t, coordinator.Config{})
	w.stores(ctx)
	b := w.bus("client")
	file := filepath.Join(t.TempDir(), "out.tsv")
	for to, read := range map[string]outcome{
		"file://" + file: func(context.Context, *world) (string, error) {
			data, err := os.ReadFile(file)
			return string(data), err
		},
		"object://theirs/out":              readObject,
		"kv://table":                       readBucket,
		"stream://ROWS?subject=rows.{key}": readRows,
	} {
		job := words("object://theirs/in.txt")
		job.Output.To = to
		for range 2 { // the second time, something stands there
			status, err := run(ctx, b, job)
			if err == nil && status.Output.OnBus() {
				_, err = result(ctx, b, status)
			}
			if err != nil {
				t.Errorf("%s: %v", to, err)
			}
			if got, err := read(ctx, w); err != nil || got != table {
				t.Errorf("%s: got %q, %v, want %q", to, got, err, table)
			}
			job.Output.Force = true
			if strings.HasPrefix(to, "stream") {
				break
			}
		}
	}
	w.quiet()
}

func readObject(ctx context.Context, w *world) (string, error) {
	objects, err := w.js.ObjectStore(ctx, "theirs")
	if err != nil {
		return "", err
	}
	return objects.GetString(ctx, "out")
}

func readBucket(ctx context.Context, w *world) (string, error) {
	kv, err := w.js.KeyValue(ctx, "table")
	if err != nil {
		return "", err
	}
	var rows strings.Builder
	for _, k := range []string{"a", "b", "c"} {
		entry, err := kv.Get(ctx, k)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&rows, "%s\t%s\n", k, entry.Value())
	}
	return rows.String(), nil
}

func readRows(ctx context.Context, w *world) (string, error) {
	stream, err := w.js.Stream(ctx, "ROWS")
	if err != nil {
		return "", err
	}
	var rows strings.Builder
	for _, k := range []string{"a", "b", "c"} {
		msg, err := stream.GetLastMsgForSubject(ctx, "rows."+k)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&rows, "%s\t%s\n", k, msg.Data)
	}
	return rows.String(), nil
}
