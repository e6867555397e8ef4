package bus_test

import (
	"context"
	"testing"

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

// Chunks of 512 KiB: 64 MiB in, 64 MiB out.
func BenchmarkRunsInAndOut(b *testing.B) {
	bus := bustest.Start(b, patience).Bus()
	ctx := context.Background()
	chunk := make([]byte, 512<<10)
	const chunks = 128
	b.SetBytes(chunks * int64(len(chunk)))
	for i := 0; b.Loop(); i++ {
		lane := mapreduce.Lane{UID: "u", Reader: mapreduce.Reduce, Partition: i, Generation: 1}
		if _, err := bus.Storage().Make(ctx, []mapreduce.Lane{lane}); err != nil {
			b.Fatal(err)
		}
		push, flush := bus.Runs().Publisher(ctx)
		for range chunks {
			if err := push(lane, chunk); err != nil {
				b.Fatal(err)
			}
		}
		if err := flush(); err != nil {
			b.Fatal(err)
		}
		if err := bus.Runs().Fetch(ctx, lane, func([]byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
		if err := bus.Storage().Drop(ctx, []mapreduce.Lane{lane}); err != nil {
			b.Fatal(err)
		}
	}
}
