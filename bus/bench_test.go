package bus_test

import (
	"context"
	"testing"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

func BenchmarkCommit(b *testing.B) {
	commits := bustest.Start(b, patience).Bus().Commits()
	for i := 0; b.Loop(); i++ {
		commit := mapreduce.Commit{Version: 1, Task: mapTask(i), Attempt: attempt(i)}
		if _, err := commits.Commit(context.Background(), commit); err != nil {
			b.Fatal(err)
		}
	}
}

// A task's way through the queue: publish, pull, settle, one at a time.
func BenchmarkTaskThroughTheQueue(b *testing.B) {
	q := bustest.Start(b, patience).Bus().Queue(bustest.Quiet())
	defer q.Close()
	ctx := context.Background()
	for i := 0; b.Loop(); i++ {
		if _, err := q.Publish(ctx, []mapreduce.Task{task(i)}); err != nil {
			b.Fatal(err)
		}
		d, err := q.Pull(ctx, bustest.Class)
		if err != nil {
			b.Fatal(err)
		}
		if err := q.Settle(ctx, d.Receipt, mapreduce.Complete); err != nil {
			b.Fatal(err)
		}
	}
}

// Chunks of 512 KiB, 64 MiB of them.
const (
	benchChunks = 128
	benchChunk  = 512 << 10
)

func BenchmarkPublish(b *testing.B) {
	carrier := bustest.Start(b, patience).Bus()
	b.SetBytes(benchChunks * benchChunk)
	for i := 0; b.Loop(); i++ {
		lane := mapreduce.Lane{UID: "u", Reader: mapreduce.Reduce, Partition: i, Generation: 1}
		fillLane(b, carrier, lane)
		if err := carrier.Storage().Drop(b.Context(), []mapreduce.Lane{lane}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	carrier := bustest.Start(b, patience).Bus()
	b.SetBytes(benchChunks * benchChunk)
	lane := mapreduce.Lane{UID: "u", Reader: mapreduce.Reduce, Partition: 0, Generation: 1}
	fillLane(b, carrier, lane)
	for b.Loop() {
		chunks := 0
		if err := carrier.Runs().Fetch(b.Context(), lane, func([]byte) error { chunks++; return nil }); err != nil || chunks != benchChunks {
			b.Fatal(chunks, err)
		}
	}
}

// fillLane makes a lane and publishes all chunks on it.
func fillLane(b *testing.B, carrier *bus.Bus, lane mapreduce.Lane) {
	b.Helper()
	if _, err := carrier.Storage().Make(b.Context(), []mapreduce.Lane{lane}); err != nil {
		b.Fatal(err)
	}
	push, flush := carrier.Runs().Publisher(b.Context())
	chunk := make([]byte, benchChunk)
	for range benchChunks {
		if err := push(lane, chunk); err != nil {
			b.Fatal(err)
		}
	}
	if err := flush(); err != nil {
		b.Fatal(err)
	}
}
