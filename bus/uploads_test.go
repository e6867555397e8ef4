package bus_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

func TestUploadThatIsNotWholeIsRefused(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	refused := func(claim, id string) {
		t.Helper()
		if found, err := b.CarriedInputs().List(ctx, "bus://"+id+"/0"); !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "upload it again") {
			t.Errorf("%s: listed %v, %v", claim, found, err)
		}
		if err := b.Uploads().Keep(ctx, id); !mapreduce.IsPermanent(err) {
			t.Errorf("%s: kept, %v", claim, err)
		}
	}
	if err := b.Uploads().Make(ctx, "interrupted"); err != nil {
		t.Fatal(err)
	}
	push, flush := b.Carrier().Carry(ctx, "interrupted")
	if err := errors.Join(push(0, 0, []byte("x")), flush()); err != nil {
		t.Fatal(err)
	}
	refused("interrupted", "interrupted")

	upload(t, b, "holed", "x", noise(3*b.Carrier().ChunkSize(), 1))
	removeMessage(t, s, "JETREDUCE_INPUT_holed", "jetreduce.input.holed.1.1")
	refused("a chunk is missing", "holed")

	upload(t, b, "other", "x")
	if _, err := s.Conn().Request("jetreduce.input.other.manifest.0", []byte(`{"v":2,"chunk_size":9}`), time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := b.CarriedInputs().List(ctx, "bus://other"); !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("a manifest of another version: %v", err)
	}
	for _, id := range []string{"", "a.b", "a b", ">"} {
		if err := b.Uploads().Make(ctx, id); !mapreduce.IsPermanent(err) {
			t.Errorf("upload %q was made: %v", id, err)
		}
	}
}

// An upload that nobody names ends by itself, and takes its place with it only when it is dropped; one that is kept stays.
func TestUploadExpiresUnlessItIsKept(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	uploads := b.Uploads()
	uploads.Expiry = 4 * time.Second // in which both are filled and one is kept
	for _, id := range []string{"kept", "left"} {
		if err := uploads.Make(ctx, id); err != nil {
			t.Fatal(err)
		}
		if err := carry(t, b, id, "text"); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(uploads.Keep(ctx, "kept"), uploads.Keep(ctx, "kept"), uploads.Make(ctx, "kept")); err != nil {
		t.Fatal(err)
	}
	source := sources(t, b, "bus://left")[0]
	kept := sources(t, b, "bus://kept")[0]
	awaitEmpty(ctx, t, s, "JETREDUCE_INPUT_left")
	if err := uploads.Keep(ctx, "left"); !mapreduce.IsPermanent(err) {
		t.Errorf("kept what had expired: %v", err)
	}
	if _, err := readCarried(ctx, b, source, 0, 4); !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "carried input is gone") {
		t.Errorf("read what had expired: %v", err)
	}
	if got, err := readCarried(ctx, b, kept, 0, 4); err != nil || got != "text" {
		t.Errorf("%q %v", got, err)
	}
	for range 2 {
		if err := errors.Join(uploads.Drop(ctx, "kept"), uploads.Drop(ctx, "left")); err != nil {
			t.Error(err)
		}
	}
}

// awaitEmpty waits until all messages of a stream have expired.
func awaitEmpty(ctx context.Context, t *testing.T, s *bustest.Server, name string) {
	t.Helper()
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		stream, err := js.Stream(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if stream.CachedInfo().State.Msgs == 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
}

func TestKeptUploadCannotBeChanged(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	upload(t, b, "up", "text")
	if err := b.Uploads().Keep(ctx, "up"); err != nil {
		t.Fatal(err)
	}
	if err := carry(t, b, "up", "TEXT"); err == nil {
		t.Error("carried into an upload that a job reads")
	}
	if got, err := readCarried(ctx, b, sources(t, b, "bus://up")[0], 0, 4); err != nil || got != "text" {
		t.Errorf("%q %v", got, err)
	}
}

func TestCarryingIntoNothingEnds(t *testing.T) {
	t.Parallel()
	b := bustest.Start(t, patience).Bus()
	if err := carry(t, b, "nowhere", "text"); !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "expired or was dropped") {
		t.Error(err)
	}
}

// An upload that was interrupted expires, and nothing is left of it.
func TestExpiredUploadIsSwept(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	uploads := b.Uploads()
	uploads.Expiry = 200 * time.Millisecond
	if err := uploads.Make(ctx, "stale"); err != nil {
		t.Fatal(err)
	}
	carrier := b.Carrier()
	push, flush := carrier.Carry(ctx, "stale")
	if err := errors.Join(push(0, 0, []byte("half")), flush()); err != nil {
		t.Fatal(err)
	}
	fresh := b.Uploads()
	if err := fresh.Make(ctx, "fresh"); err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for strings.Contains(streamsOf(t, s), "INPUT_stale") {
		if err := b.Storage().Sweep(ctx, nil); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatal("it is never swept")
		}
	}
	if !strings.Contains(streamsOf(t, s), "INPUT_fresh") {
		t.Error("an upload that has just begun is swept")
	}
}
