package roles_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
)

// BenchmarkStart measures the time from the start of a coordinator that knows nothing, on a bus with the records of so many jobs that have
// ended, to its first answer.
func BenchmarkStart(b *testing.B) {
	for _, jobs := range []int{0, 1000, 10_000} {
		b.Run(fmt.Sprintf("%d-jobs", jobs), func(b *testing.B) {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			for b.Loop() {
				b.StopTimer()
				server := bustest.StartBare(b)
				s := server.Bus()
				if err := s.SetUp(ctx, bus.SetUp{Classes: roles.Classes()}); err != nil {
					b.Fatal(err)
				}
				remember(ctx, b, server, jobs)
				b.StartTimer()
				start(ctx, b, server, jobs)
			}
		})
	}
}

// start starts a coordinator, waits for its first answer, and stops it.
func start(ctx context.Context, b *testing.B, server *bustest.Server, jobs int) {
	b.Helper()
	asking := server.Bus().Desk()
	c := roles.Coordinator{Bus: server.Bus(), Name: "one", Log: bustest.Quiet()}
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan error, 1)
	began := time.Now()
	go func() { over <- c.Run(ctx) }()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	list, err := asking.List(ctx)
	for err != nil && ctx.Err() == nil {
		<-ticker.C
		list, err = asking.List(ctx)
	}
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-to-answer")
	b.StopTimer()
	if len(list.Jobs)+list.More != jobs {
		b.Errorf("%d jobs and %d more: %v", len(list.Jobs), list.More, err)
	}
	cancel()
	if err := <-over; err != nil {
		b.Error(err)
	}
	b.StartTimer()
}

// remember writes what a leader leaves of jobs that are done and swept.
func remember(ctx context.Context, b *testing.B, server *bustest.Server, jobs int) {
	b.Helper()
	js, err := jetstream.New(server.Conn(), jetstream.WithPublishAsyncMaxPending(1000))
	if err != nil {
		b.Fatal(err)
	}
	put := func(key string, v any) {
		text, err := json.Marshal(v)
		if err == nil {
			_, err = js.PublishAsync(key, text)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	at := time.Now().Add(-time.Hour)
	for n := range jobs {
		uid, id := mapreduce.UID(fmt.Sprintf("u%09d", n)), mapreduce.JobID(fmt.Sprintf("wordcount-%06d", n))
		spec := mapreduce.Job{ID: id, Program: "wordcount", Inputs: []string{"bus://0123456789/0-0#0123456789abcdef"}}
		for _, state := range []mapreduce.State{"queued", "planning", "mapping", "reducing", "finishing", "done"} {
			r := mapreduce.Record{Version: mapreduce.RecordVersion, UID: uid, Job: id, State: state, At: at.Add(time.Duration(n) * time.Millisecond)}
			switch state {
			case mapreduce.Queued:
				r.Seq, r.Spec = uint64(n+1), &spec
			case mapreduce.Mapping:
				r.Reduces = 2
			case mapreduce.Done:
				r.Swept = true
				r.Summary = &mapreduce.Summary{Maps: 4, Done: 4, Reduces: 2, Reduced: 2, Bytes: 1 << 20, Records: 200_000, Ended: at}
			}
			put(fmt.Sprintf("$KV.jetreduce-state.job.%s.%s", uid, state), r)
		}
		put(fmt.Sprintf("$KV.jetreduce-commits.%s.end", uid), mapreduce.End{Version: mapreduce.RecordVersion, UID: uid, State: mapreduce.Done})
		put(fmt.Sprintf("$KV.jetreduce-commits.%s.finish.0.1", uid), mapreduce.Commit{
			Version: mapreduce.RecordVersion, Task: mapreduce.TaskID{UID: uid, Phase: mapreduce.Finish, Generation: 1},
			Attempt: mapreduce.Attempt{Worker: "w0123456", N: 9}, Took: time.Second,
		})
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-ctx.Done():
		b.Fatal("no answer")
	}
}
