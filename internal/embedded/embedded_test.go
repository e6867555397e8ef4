package embedded_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/client"
	"jetreduce/internal/embedded"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/programs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(t *testing.T) embedded.Config {
	t.Helper()
	set, err := programs.NewSet(programs.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	store, err := bus.OpenStore(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Remove(); err != nil {
			t.Error(err)
		}
	})
	return embedded.Config{Store: store, Slots: 2, Memory: 16 << 20, Programs: set.Find, Log: bustest.Quiet()}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// A disk that fills up is neither waited for in silence nor an answer.
func TestBusWithoutRoomEndsTheRunAndSaysSo(t *testing.T) {
	dir := t.TempDir()
	text := make([]byte, 8<<20) // nothing that compresses
	random := rand.NewChaCha8([32]byte{})
	if _, err := random.Read(text); err != nil {
		t.Fatal(err)
	}
	input, result := filepath.Join(dir, "input"), filepath.Join(dir, "result")
	if err := os.WriteFile(input, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c := config(t)
	c.Room = 4 << 20
	err := embedded.Run(within(t), c, func(ctx context.Context, b *bus.Bus) error {
		job := mapreduce.Job{ID: "j", Program: "identity", Inputs: []string{input}, Output: mapreduce.Target{To: output.URL(result)}}
		status, err := client.Run(ctx, b.Desk(), job, client.View{})
		if err == nil && status.State != mapreduce.Done {
			err = errors.New(status.Error) // its attempts may have failed before anybody has looked at the bus
		}
		return err
	})
	if !errors.Is(err, mapreduce.ErrNoRoom) {
		t.Errorf("ended with %v, want %v", err, mapreduce.ErrNoRoom)
	}
	if _, err := os.Stat(result); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a result: %v", err)
	}
}

func TestWhatUseReturnsIsReturned(t *testing.T) {
	mine := errors.New("mine")
	if err := embedded.Run(within(t), config(t), func(context.Context, *bus.Bus) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
}

func TestCancelledRunTakesEverythingDown(t *testing.T) {
	ctx, cancel := context.WithCancelCause(within(t))
	stop := errors.New("stop")
	err := embedded.Run(ctx, config(t), func(ctx context.Context, b *bus.Bus) error {
		cancel(stop)
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}
