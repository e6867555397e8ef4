package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// makeConsumer makes what hands out the tasks of a pool and class. It has no end of its own: the leader, who knows what waits, drops it.
func (b *Bus) makeConsumer(ctx context.Context, pool mapreduce.Pool, class mapreduce.Class, ackWait time.Duration) error {
	config, d := b.consumer(pool, class, ackWait), doubt{bus: b}
	err := b.ask(ctx, "CONSUMER.CREATE."+b.names.tasks(), func(ctx context.Context) error {
		_, err := b.js.CreateOrUpdateConsumer(ctx, b.names.tasks(), config)
		if most := pendingLimit(err); most > 0 && most < config.MaxAckPending {
			config.MaxAckPending = most
			_, err = b.js.CreateOrUpdateConsumer(ctx, b.names.tasks(), config)
		}
		return d.of(err)
	})
	if err != nil {
		return fmt.Errorf("make consumer %s: %w", config.Durable, err)
	}
	return nil
}

// consumer is what hands out the tasks of a pool and class.
func (b *Bus) consumer(pool mapreduce.Pool, class mapreduce.Class, ackWait time.Duration) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: b.names.taskConsumer(pool, class), FilterSubject: b.names.taskSubject(pool, class),
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait,
		MaxDeliver:    -1,      // the leader counts attempts; the server would only stop delivering
		MaxAckPending: 100_000, // all work in flight
		MaxWaiting:    10_000,  // slots that wait for work
	}
}

// pendingLimit is how much work in flight account or server allow, when they refuse more; else 0.
func pendingLimit(err error) (most int) {
	var refusal *jetstream.APIError
	if errors.As(err, &refusal) && refusal.ErrorCode == codeMaxPending {
		_, _ = fmt.Sscanf(refusal.Description, "consumer max ack pending exceeds system limit of %d", &most)
	}
	return most
}
