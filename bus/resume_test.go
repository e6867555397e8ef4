package bus_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// resumed carries a text as one file of an upload, which it goes on with, up to so many chunks; -1: to the end. It returns how many bytes
// were there.
func resumed(ctx context.Context, b *bus.Bus, upload, text string, chunks int) (there int64, err error) {
	if err := b.Uploads().Make(ctx, upload); err != nil {
		return 0, err
	}
	carrier, there, err := b.Carrier().Resume(ctx, upload)
	if err != nil {
		return 0, err
	}
	push, flush := carrier.Carry(ctx, upload)
	for n, chunk := range slices.Collect(slices.Chunk([]byte(text), carrier.ChunkSize())) {
		if n == chunks {
			return there, flush()
		}
		if err := push(0, n, chunk); err != nil {
			return there, err
		}
	}
	files := []mapreduce.Carried{{Name: "a", Size: int64(len(text)), Digest: 7}}
	return there, errors.Join(flush(), carrier.Complete(ctx, upload, files))
}

// Promise: what an earlier client has carried is not carried again, and the file is whole.
func TestUploadGoesOnWhereTheLastClientStopped(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	size := b.Carrier().ChunkSize()
	text := noise(5*size+17, 3)
	if there, err := resumed(ctx, b, "up", text, 3); err != nil || there != 0 {
		t.Fatal(there, err)
	}
	other := s.Conn()
	second, err := bus.New(other, "")
	if err != nil {
		t.Fatal(err)
	}
	there, err := resumed(ctx, second, "up", text, -1)
	if err != nil || there != int64(3*size) {
		t.Fatal(there, err)
	}
	if out := int(other.Stats().OutBytes); out > 3*size {
		t.Errorf("%d bytes were sent for the last %d", out, 2*size+17)
	}
	for range 2 { // by whoever does it again, even when a job has it
		if there, err := resumed(ctx, b, "up", text, -1); err != nil || there != int64(len(text)) {
			t.Error(there, err)
		}
		if err := b.Uploads().Keep(ctx, "up"); err != nil {
			t.Error(err)
		}
	}
	if got, err := readCarried(ctx, b, sources(t, b, "bus://up")[0], 0, int64(len(text))); err != nil || got != text {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// Promise: an upload never holds a mixture. Whoever carries something else under its name is told.
func TestUploadThatHoldsSomethingElseIsNotOverwritten(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	size := b.Carrier().ChunkSize()
	mine, other := noise(4*size, 1), noise(4*size, 2)
	if _, err := resumed(ctx, b, "up", mine, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := resumed(ctx, b, "up", other, -1); !errors.Is(err, bus.ErrUploadTaken) {
		t.Errorf("carried over what was there: %v", err)
	}
	if _, err := resumed(ctx, b, "up", mine, -1); err == nil { // its last chunks may be the other's: then it must not be whole
		if got, err := readCarried(ctx, b, sources(t, b, "bus://up")[0], 0, int64(len(mine))); err != nil || got != mine {
			t.Errorf("a mixture of %d bytes, %v", len(got), err)
		}
	} else if !errors.Is(err, bus.ErrUploadTaken) {
		t.Error(err)
	}
}

// Two clients that carry the same at once both succeed, with one upload.
func TestTwoClientsCarryTheSameAtOnce(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	text := noise(20*s.Bus().Carrier().ChunkSize(), 5)
	ends := make(chan error, 2)
	for range cap(ends) {
		b := s.Bus()
		go func() {
			_, err := resumed(ctx, b, "up", text, -1)
			ends <- err
		}()
	}
	if err := errors.Join(<-ends, <-ends); err != nil {
		t.Fatal(err)
	}
	b := s.Bus()
	if got, err := readCarried(ctx, b, sources(t, b, "bus://up")[0], 0, int64(len(text))); err != nil || got != text {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
