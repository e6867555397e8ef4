package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// payload is what each task carries: 256 bytes, the same for every pool.
var payload = make256()

func make256() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return string(b)
}

// pool is a worker pool and the queue that it takes from.
type pool interface {
	// Fill queues so many no-op tasks, and returns when the server has confirmed them all.
	Fill(ctx context.Context, tasks int) error
	// Work takes tasks until the context ends, and calls handled once in each. It returns nil when it was told to end.
	Work(ctx context.Context, handled func()) error
	// Left asks the server how many tasks it still holds: waiting, taken but not acknowledged, or put aside after a failure.
	Left(ctx context.Context) (int, error)
}

// emptyPoll is how often the server is asked whether it is done, once all tasks were handled: the clock's resolution.
const emptyPoll = time.Millisecond

// drain queues the tasks, then says how long the pool takes from its start until the server itself holds none.
// A pool that has more or fewer than all of them before it starts is an error: something would be measured that is not said.
func drain(ctx context.Context, p pool, tasks int) (time.Duration, error) {
	if err := p.Fill(ctx, tasks); err != nil {
		return 0, fmt.Errorf("queue %d tasks: %w", tasks, err)
	}
	if queued, err := p.Left(ctx); err != nil || queued != tasks {
		return 0, errors.Join(fmt.Errorf("%d of %d tasks are queued", queued, tasks), err)
	}
	return race(ctx, p, tasks)
}

// race runs the pool beside the clock.
func race(ctx context.Context, p pool, tasks int) (time.Duration, error) {
	working, stop := context.WithCancel(ctx)
	defer stop()
	count, all := countTo(tasks)
	ended := make(chan error, 1)
	start := time.Now()
	go func() { ended <- p.Work(working, count) }()
	select {
	case <-all:
	case err := <-ended:
		return 0, errors.Join(errors.New("the workers ended before the tasks did"), err, ctx.Err())
	}
	err := untilEmpty(working, p)
	elapsed := time.Since(start)
	stop()
	return elapsed, errors.Join(err, <-ended)
}

// countTo is a counter that workers share, and a channel that closes when it reaches n.
func countTo(n int) (count func(), reached <-chan struct{}) {
	var handled atomic.Int64
	done := make(chan struct{})
	return func() {
		if handled.Add(1) == int64(n) {
			close(done)
		}
	}, done
}

// untilEmpty returns when the server holds no task.
func untilEmpty(ctx context.Context, p pool) error {
	poll := time.NewTicker(emptyPoll)
	defer poll.Stop()
	for {
		left, err := p.Left(ctx)
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("%d tasks are left: %w", left, ctx.Err())
		}
	}
}
