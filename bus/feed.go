package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Feed hands one leader what happens: coordinator.Feed.
//
//	state bucket ──▶ up to the barrier ─┐
//	commits bucket ─▶ up to the barrier, Replayed, then what comes ─┐
//	                jobs stream, heartbeats, questions, clock, queue ┴─▶ Next
//
// The barriers are records that this leader wrote itself, so that a replay which ends with them has missed nothing that
// was acknowledged before it took over.
type Feed struct {
	bus    *Bus
	log    *slog.Logger
	events chan mapreduce.Event
	failed chan error

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// OpenFeed writes the barriers of an epoch and begins to replay. Close the feed to end it.
func (b *Bus) OpenFeed(ctx context.Context, epoch mapreduce.Epoch, log *slog.Logger) (*Feed, error) {
	state, err := b.fenced(ctx, epoch, barrierKey, epoch)
	if err != nil {
		return nil, fmt.Errorf("write barrier: %w", err)
	}
	commits, err := b.put(ctx, key(b.names.commits(), barrierKey), epoch)
	if err != nil {
		return nil, fmt.Errorf("write barrier: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	f := &Feed{bus: b, log: log, cancel: cancel, events: make(chan mapreduce.Event, 256), failed: make(chan error, 1)}
	f.done.Go(func() {
		f.fail(ctx, f.run(ctx, state, commits))
	})
	return f, nil
}

// Next returns the next event.
func (f *Feed) Next(ctx context.Context) (mapreduce.Event, error) {
	select {
	case event := <-f.events:
		return event, nil
	case err := <-f.failed:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close ends the feed and waits for its goroutines.
func (f *Feed) Close() {
	f.cancel()
	f.done.Wait()
}

func (f *Feed) run(ctx context.Context, stateBarrier, commitsBarrier uint64) error {
	if err := f.replay(ctx, stateBarrier); err != nil {
		return err
	}
	// Heartbeats are heard from before the replay of the commits ends, so that none is missed.
	subs, err := f.listen(ctx)
	if err != nil {
		return err
	}
	defer func() {
		for _, sub := range subs {
			_ = sub.Unsubscribe()
		}
	}()
	f.done.Go(func() { f.clock(ctx) })
	replayed := false
	return f.follow(ctx, bucket(f.bus.names.commits()), func(msg jetstream.Msg, seq uint64) (bool, error) {
		if !replayed && seq >= commitsBarrier { // past it: a later leader has overwritten it
			replayed = true
			f.emit(ctx, mapreduce.Replayed{})
			f.done.Go(func() { f.submissions(ctx) })
		}
		return false, f.record(ctx, msg)
	})
}

// replay hands in the state records up to the barrier.
func (f *Feed) replay(ctx context.Context, barrier uint64) error {
	prefix := key(f.bus.names.state(), "job.")
	return f.follow(ctx, bucket(f.bus.names.state()), func(msg jetstream.Msg, seq uint64) (bool, error) {
		if strings.HasPrefix(msg.Subject(), prefix) {
			var r mapreduce.Record
			if err := decode(msg.Subject(), msg.Data(), &r); err != nil {
				return false, err
			}
			if err := understood(msg.Subject(), r.Version); err != nil {
				return false, err
			}
			f.emit(ctx, mapreduce.Restored{Record: r})
		}
		return seq >= barrier, nil
	})
}

// follow reads a stream from its beginning, in order, until handle says that it has enough.
func (f *Feed) follow(ctx context.Context, stream string, handle func(jetstream.Msg, uint64) (bool, error)) error {
	consumer, err := f.bus.js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return fmt.Errorf("follow %s: %w", stream, err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("follow %s: %w", stream, err)
	}
	defer messages.Stop()
	// While the bus is away, Next tries to reset its consumer and does not look at its context; Stop ends that too.
	defer context.AfterFunc(ctx, messages.Stop)()
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("follow %s: %w", stream, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("follow %s: %w", stream, err)
		}
		if enough, err := handle(msg, meta.Sequence.Stream); enough || err != nil {
			return err
		}
	}
}

// record hands in a record of the commits bucket. One that cannot be read ends the feed: passed over, it would be a
// commit that never was, and its task would be queued for ever.
func (f *Feed) record(ctx context.Context, msg jetstream.Msg) error {
	name := strings.TrimPrefix(msg.Subject(), key(f.bus.names.commits(), ""))
	if name == barrierKey {
		return nil
	}
	event, err := recordEvent(name, msg.Data())
	if err != nil {
		return err
	}
	f.emit(ctx, event)
	return nil
}

// recordEvent reads a record of the commits bucket. The shape of its key says which kind it is, and what it holds must
// be about that key.
func recordEvent(name string, data []byte) (mapreduce.Event, error) {
	part := strings.Split(name, ".")
	switch {
	case len(part) == 2 && part[1] == "end":
		var end mapreduce.End
		err := decode(name, data, &end)
		return end, errors.Join(err, matches(name, endKey(end.UID), end.Version))
	case len(part) == 6 && part[4] == "a":
		var failure mapreduce.Failure
		err := decode(name, data, &failure)
		return failure, errors.Join(err, matches(name, failureKey(failure), failure.Version))
	default:
		var commit mapreduce.Commit
		err := decode(name, data, &commit)
		return commit, errors.Join(err, matches(name, commit.Task.String(), commit.Version))
	}
}

// matches refuses a record of another version, or one that stands under a key that is not its own.
func matches(name, own string, version int) error {
	if err := understood(name, version); err != nil {
		return err
	}
	if name != own {
		return fmt.Errorf("key %s holds the record of %s", name, own)
	}
	return nil
}

// understood refuses what another version of this binary wrote.
func understood(name string, version int) error {
	if version != mapreduce.RecordVersion {
		return fmt.Errorf("%s is of version %d, this binary reads version %d: run coordinators of one version",
			name, version, mapreduce.RecordVersion)
	}
	return nil
}

func (f *Feed) emit(ctx context.Context, event mapreduce.Event) {
	select {
	case f.events <- event:
	case <-ctx.Done():
	}
}

// fail ends the feed with an error, unless it was closed.
func (f *Feed) fail(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	select {
	case f.failed <- err:
	case <-ctx.Done():
	}
}

// listen hands in heartbeats and questions.
func (f *Feed) listen(ctx context.Context) ([]*nats.Subscription, error) {
	beats, err := f.bus.nc.Subscribe(f.bus.names.beats(), func(msg *nats.Msg) {
		var beat mapreduce.Beat
		if err := json.Unmarshal(msg.Data, &beat); err != nil || beat.Version != mapreduce.RecordVersion {
			f.log.Warn("heartbeat that cannot be read", "subject", msg.Subject, "version", beat.Version)
			return
		}
		f.emit(ctx, beat)
	})
	if err != nil {
		return nil, fmt.Errorf("listen for heartbeats: %w", err)
	}
	asked, err := f.bus.nc.Subscribe(f.bus.names.askStatus(), func(msg *nats.Msg) {
		f.emit(ctx, mapreduce.Asked{Job: mapreduce.JobID(strings.TrimSpace(string(msg.Data))), Reply: msg.Reply})
	})
	if err != nil {
		_ = beats.Unsubscribe()
		return nil, fmt.Errorf("listen for questions: %w", err)
	}
	if err := f.bus.nc.Publish(f.bus.names.roll(), nil); err != nil { // or it would take a heartbeat's time to know who is there
		return nil, fmt.Errorf("call the roll: %w", err)
	}
	return []*nats.Subscription{beats, asked}, nil
}

// submissions hands in the jobs that stand in the jobs stream. An accepted one is deleted there, so that what stands
// there is what a leader has not taken up.
func (f *Feed) submissions(ctx context.Context) {
	err := f.follow(ctx, f.bus.names.jobs(), func(msg jetstream.Msg, seq uint64) (bool, error) {
		submitted := mapreduce.Submitted{Seq: seq}
		if err := json.Unmarshal(msg.Data(), &submitted.Job); err != nil {
			submitted.Bad = fmt.Sprintf("the job cannot be read: %v", err)
		}
		f.emit(ctx, submitted)
		return false, nil
	})
	f.fail(ctx, err)
}

// Periods of the clock.
const (
	tickEvery = 250 * time.Millisecond
	lookEvery = 4 // ticks between two looks at the queue
)

// clock hands in ticks, and what the queue looks like.
func (f *Feed) clock(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.emit(ctx, mapreduce.Tick{})
		}
		if n%lookEvery == 0 {
			f.look(ctx)
		}
	}
}

// look hands in up to where each class of the queue is settled. When nothing is pending or unsettled that is the last
// sequence that the stream had before the look began: what was queued since is not judged.
func (f *Feed) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	stream, err := f.bus.js.Stream(ctx, f.bus.names.tasks())
	if err != nil {
		return // the next look is a second away
	}
	last := stream.CachedInfo().State.LastSeq
	for info := range stream.ListConsumers(ctx).Info() {
		settled := info.AckFloor.Stream
		if info.NumPending == 0 && info.NumAckPending == 0 {
			settled = last
		}
		class := mapreduce.Class(strings.TrimPrefix(info.Name, string(mapreduce.DefaultPool)+"-"))
		f.emit(ctx, mapreduce.QueueSeen{Class: class, Settled: settled})
	}
}
