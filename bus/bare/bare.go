// Package bare is a work queue on JetStream with nothing of jetreduce: what the speed of tiny tasks is compared with.
package bare

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

// Queue is a queue whose tasks are all there before the first is taken.
type Queue struct {
	js      jetstream.JetStream
	pullers []jetstream.Consumer // the same consumer, each over a connection of its own
	close   func()
	tasks   int
}

const (
	stream   = "BARE_TASKS"
	subject  = "bare.tasks"
	consumer = "pullers"
	pullers  = 2
	taskSize = 256 // bytes
	batch    = 100 // tasks of one request
)

// Fill makes a queue of so many tasks of 256 B on the server at a URL. Close it to remove it.
func Fill(ctx context.Context, url string, tasks int) (*Queue, error) {
	q := &Queue{tasks: tasks, close: func() {}}
	err := q.open(ctx, url)
	if err == nil {
		err = q.fill(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fill a bare queue: %w", err), q.Close(ctx))
	}
	return q, nil
}

// open makes the stream and the consumer. That the stream is lazy about the disk makes it quicker to fill; nothing is
// written to it while tasks are taken.
func (q *Queue) open(ctx context.Context, url string) (err error) {
	if q.js, err = q.connect(url); err != nil {
		return err
	}
	config := jetstream.StreamConfig{Name: stream, Subjects: []string{subject}, PersistMode: jetstream.AsyncPersistMode}
	if _, err = q.js.CreateStream(ctx, config); err != nil {
		return err
	}
	all := jetstream.ConsumerConfig{Durable: consumer, AckPolicy: jetstream.AckExplicitPolicy}
	if _, err = q.js.CreateConsumer(ctx, stream, all); err != nil {
		return err
	}
	for range pullers {
		js, err := q.connect(url)
		if err != nil {
			return err
		}
		c, err := js.Consumer(ctx, stream, consumer)
		if err != nil {
			return err
		}
		q.pullers = append(q.pullers, c)
	}
	return nil
}

func (q *Queue) connect(url string) (jetstream.JetStream, error) {
	nc, err := nats.Connect(url)
	if err != nil {
		return nil, err
	}
	others := q.close
	q.close = func() {
		nc.Close()
		others()
	}
	return jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1024))
}

func (q *Queue) fill(ctx context.Context) error {
	task := make([]byte, taskSize)
	for range q.tasks {
		if _, err := q.js.PublishAsync(subject, task, jetstream.WithStallWait(time.Minute)); err != nil {
			return err
		}
	}
	select {
	case <-q.js.PublishAsyncComplete():
	case <-ctx.Done():
		return ctx.Err()
	}
	s, err := q.js.Stream(ctx, stream)
	if err == nil && s.CachedInfo().State.Msgs != uint64(q.tasks) {
		err = fmt.Errorf("of %d tasks %d are stored", q.tasks, s.CachedInfo().State.Msgs)
	}
	return err
}

// Drain takes and acknowledges all tasks, with two pullers that ask for a hundred at a time, and returns how long that took.
func (q *Queue) Drain(ctx context.Context) (time.Duration, error) {
	var taken atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for _, c := range q.pullers {
		group.Go(func() error { return q.pull(ctx, c, &taken) })
	}
	err := group.Wait()
	took := time.Since(began)
	if err == nil {
		err = q.check(ctx)
	}
	return took, err
}

// pull takes tasks until all are taken.
func (q *Queue) pull(ctx context.Context, c jetstream.Consumer, taken *atomic.Int64) error {
	for taken.Load() < int64(q.tasks) {
		if err := ctx.Err(); err != nil {
			return err
		}
		tasks, err := c.FetchNoWait(batch)
		if err != nil {
			return err
		}
		for task := range tasks.Messages() {
			if err := task.Ack(); err != nil {
				return err
			}
			taken.Add(1)
		}
		if err := tasks.Error(); err != nil {
			return err
		}
	}
	return nil
}

// check looks whether the server has handed out all tasks once.
func (q *Queue) check(ctx context.Context) error {
	c, err := q.js.Consumer(context.WithoutCancel(ctx), stream, consumer)
	if err != nil {
		return err
	}
	if info := c.CachedInfo(); info.NumPending > 0 || info.NumRedelivered > 0 || info.Delivered.Consumer != uint64(q.tasks) {
		return fmt.Errorf("of %d tasks %d were handed out, %d of them again", q.tasks, info.Delivered.Consumer, info.NumRedelivered)
	}
	return nil
}

// Close removes the queue.
func (q *Queue) Close(ctx context.Context) error {
	defer q.close()
	if q.js == nil {
		return nil
	}
	if err := q.js.DeleteStream(ctx, stream); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return err
	}
	return nil
}
