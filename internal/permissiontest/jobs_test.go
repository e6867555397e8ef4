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

	"github.com/nats-io/nats.go"
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
	return newWorldOf(ctx, t, together(), config)
}

func newWorldOf(ctx context.Context, t *testing.T, l layout, config coordinator.Config) *world {
	t.Helper()
	w := &world{stage: newStageOf(t, l)}
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
		w.insist(ctx, func(ctx context.Context) error {
			_, err := w.js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{subject}, AllowDirect: true})
			return err
		})
		if name != "ROWS" {
			w.fill(ctx, subject)
		}
	}
	w.insist(ctx, func(ctx context.Context) error {
		objects, err := w.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "theirs"})
		if err == nil {
			_, err = objects.PutString(ctx, "in.txt", text)
		}
		return err
	})
}

// fill publishes the lines of the text.
func (w *world) fill(ctx context.Context, subject string) {
	w.t.Helper()
	n := 0
	for line := range strings.Lines(text) {
		n++
		w.insist(ctx, func(ctx context.Context) error {
			_, err := w.js.Publish(ctx, subject, []byte(line), jetstream.WithMsgID(fmt.Sprintf("%s-%d", subject, n)))
			return err
		})
	}
}

// insist asks again what nobody has answered: the servers of a young cluster may send a request to where it is not heard yet, or know of
// nobody yet who hears it. All that is asked for so is the same when it is done twice.
func (w *world) insist(ctx context.Context, ask func(ctx context.Context) error) {
	w.t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := ask(try)
		cancel()
		switch {
		case err == nil:
			return
		case !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrNoResponders) || ctx.Err() != nil:
			w.t.Fatal(err)
		}
		<-look.C
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

// exact runs a job on each kind of input that stands on the bus.
func (w *world) exact(ctx context.Context, b *bus.Bus) {
	w.t.Helper()
	for _, inputs := range [][]string{{"object://theirs/in.txt"}, {"stream://PULLED"}, carried(ctx, w.t, b)} {
		status, err := run(ctx, b, words(inputs...))
		if err != nil {
			w.t.Errorf("%s: %v", inputs, err)
			continue
		}
		if got, err := result(ctx, b, status); err != nil || got != table {
			w.t.Errorf("%s: got %q, %v, want %q", inputs, got, err, table)
		}
	}
}

// All kinds of inputs, under least permissions.
func TestJobsOfAllInputsAreExactUnderTheirUsers(t *testing.T) { inEachLayout(t, allInputs) }

func allInputs(t *testing.T, l layout) {
	ctx := deadline(t)
	w := newWorldOf(ctx, t, l, coordinator.Config{})
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
	w.quiet(append(l.ways, "CONSUMER.CREATE.PLAIN.", "CONSUMER.DELETE.PULLED.")...)
}

// outcome reads what stands at a place.
type outcome func(ctx context.Context, w *world) (string, error)

func TestJobsOfAllOutputsAreExactUnderTheirUsers(t *testing.T) { inEachLayout(t, allOutputs) }

func allOutputs(t *testing.T, l layout) {
	ctx := deadline(t)
	w := newWorldOf(ctx, t, l, coordinator.Config{})
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
