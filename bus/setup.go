package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"jetreduce/mapreduce"
)

// SetUp is how the streams of jetreduce are made. Only the coordinator's side makes them; all others bind.
type SetUp struct {
	Classes []mapreduce.Class // whose tasks will stand in the queue, besides io
	AckWait time.Duration     // 30 s: how long a worker may be silent about a task
}

// SetUp makes the streams and consumers that are not there yet.
func (b *Bus) SetUp(ctx context.Context, s SetUp) error {
	if s.AckWait == 0 {
		s.AckWait = 30 * time.Second
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, config := range b.streams() {
		group.Go(func() error { return b.makeStream(groupCtx, config) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, class := range append([]mapreduce.Class{mapreduce.IO}, s.Classes...) {
		if err := b.makeConsumer(ctx, class, s.AckWait); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bus) streams() []jetstream.StreamConfig {
	n := b.names
	return []jetstream.StreamConfig{
		{Name: n.jobs(), Subjects: []string{n.jobsSubject()}, Description: "submitted jobs, until they are taken up"},
		{Name: n.plans(), Subjects: []string{n.plansSubjects()}, MaxMsgsPerSubject: 1, AllowDirect: true,
			Description: "plans of jobs, in chunks"},
		{Name: n.tasks(), Subjects: []string{n.tasksSubjects()}, Retention: jetstream.WorkQueuePolicy,
			Description: "the work queue"},
		keyValue(n.state(), "what the leader recorded of each job"),
		keyValue(n.commits(), "which attempt of each task counts"),
	}
}

// keyValue is the stream below a bucket, as the bucket API makes it, plus atomic batches, which that API would clear.
func keyValue(name, description string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: bucket(name), Subjects: []string{key(name, ">")}, Description: description,
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew,
		AllowRollup: true, DenyDelete: true, AllowDirect: true, AllowAtomicPublish: true,
	}
}

// makeStream makes a stream unless it is there; it never changes one that is.
func (b *Bus) makeStream(ctx context.Context, config jetstream.StreamConfig) error {
	err := ask(ctx, func(ctx context.Context) error {
		_, err := b.js.CreateStream(ctx, config)
		if err == nil || !isCode(err, jetstream.JSErrCodeStreamNameInUse) {
			return err
		}
		return nil
	})
	if err != nil {
		return mapreduce.Permanent(fmt.Errorf("make stream %s: %w", config.Name, err))
	}
	return nil
}

func (b *Bus) makeConsumer(ctx context.Context, class mapreduce.Class, ackWait time.Duration) error {
	name := b.names.taskConsumer(mapreduce.DefaultPool, class)
	err := ask(ctx, func(ctx context.Context) error {
		_, err := b.js.CreateOrUpdateConsumer(ctx, b.names.tasks(), jetstream.ConsumerConfig{
			Durable: name, FilterSubject: b.names.taskSubject(mapreduce.DefaultPool, class),
			AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait,
			MaxDeliver:    -1,      // the leader counts attempts; the server would only stop delivering
			MaxAckPending: 100_000, // all work in flight
			MaxWaiting:    10_000,  // slots that wait for work
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("make consumer %s: %w", name, err)
	}
	return nil
}
