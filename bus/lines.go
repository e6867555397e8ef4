package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Open makes it possible to pull tasks of a pool and class. What the server refuses is a permanent error.
func (q *Queue) Open(ctx context.Context, pool mapreduce.Pool, class mapreduce.Class) error {
	if err := q.bus.makeConsumer(ctx, pool, class, usualAckWait); err != nil {
		return lastWord(ctx, err)
	}
	return nil
}

// Shut drops what hands out the tasks of a pool and class, and whatever tasks still stand there. A leader that is deposed may do so late:
// what is lost then is queued again by whoever leads, and opened again for workers that are there.
func (q *Queue) Shut(ctx context.Context, pool mapreduce.Pool, class mapreduce.Class) error {
	names := q.bus.names
	err := q.bus.ask(ctx, "CONSUMER.DELETE."+names.tasks(), func(ctx context.Context) error {
		err := q.bus.js.DeleteConsumer(ctx, names.tasks(), names.taskConsumer(pool, class))
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil
		}
		return err
	})
	if err == nil {
		err = q.bus.purge(ctx, names.tasks(), []string{names.taskSubject(pool, class)})
	}
	if err != nil {
		return fmt.Errorf("drop the queue of pool %s, class %s: %w", pool, class, err)
	}
	return nil
}
