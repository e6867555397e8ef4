package bus

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Feed hands one coordinator what happens: coordinator.Feed. It follows the records and listens for heartbeats from its
// beginning, so that a standby is warm; with Lead it becomes a leader's.
//
//	state bucket ───▶ records ─┐
//	commits bucket ─▶ records ─┼─▶ Next      standing by
//	heartbeats, clock ─────────┘
//	barriers, passed by both buckets ─▶ Replayed ─▶ jobs stream, requests, the queue     leading
//
// The barriers are records that the leader wrote itself, so that what has been handed in by the time it meets them misses
// nothing that was acknowledged before it took over.
type Feed struct {
	bus    *Bus
	log    *slog.Logger
	events chan mapreduce.Event
	ticks  chan mapreduce.Event // holds one: a coordinator that was busy has lived through one tick, not many
	failed chan error
	marks  marks

	process string          // that the feed is of; "" says nothing
	epoch   mapreduce.Epoch // of its leadership

	ctx    context.Context // ends with Close, and all that the feed does with it
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// OpenFeed begins to follow. Close the feed to end it.
func (b *Bus) OpenFeed(log *slog.Logger) *Feed {
	ctx, cancel := context.WithCancel(context.Background())
	f := &Feed{
		bus: b, log: log, ctx: ctx, cancel: cancel,
		events: make(chan mapreduce.Event, 256), ticks: make(chan mapreduce.Event, 1), failed: make(chan error, 1),
	}
	f.start(f.run)
	f.start(func() error { return f.clock(tickEvery, f.tick) })
	return f
}

// start runs a part of the feed until it is closed; a part that fails ends the feed.
func (f *Feed) start(part func() error) {
	f.done.Go(func() {
		if err := part(); err != nil && f.ctx.Err() == nil {
			select {
			case f.failed <- err:
			default: // another part was first
			}
		}
	})
}

// Next returns the next event.
func (f *Feed) Next(ctx context.Context) (mapreduce.Event, error) {
	select {
	case event := <-f.events:
		return event, nil
	case tick := <-f.ticks:
		return tick, nil
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

// Lead makes the feed that of the leader of an epoch: it writes the barriers.
func (f *Feed) Lead(ctx context.Context, epoch mapreduce.Epoch) error {
	f.epoch = epoch
	state, err := f.bus.fenced(ctx, epoch, barrierKey, epoch)
	if err != nil {
		return fmt.Errorf("write barrier: %w", err)
	}
	commits, err := f.bus.put(ctx, key(f.bus.names.commits(), barrierKey), epoch)
	if err != nil {
		return fmt.Errorf("write barrier: %w", err)
	}
	if f.marks.wait(state, commits) {
		f.replayed()
	}
	return nil
}

// replayed begins what only a leader is handed. It calls the roll, or it would take a heartbeat's time to know who is there;
// heartbeats are heard by now.
func (f *Feed) replayed() {
	if err := f.bus.nc.Publish(f.bus.names.roll(), nil); err != nil {
		f.log.Warn("the roll was not called", "cause", err)
	}
	f.emit(mapreduce.Replayed{})
	f.start(f.submissions)
	f.start(f.requests)
	f.start(func() error { return f.clock(lookEvery, f.look) })
}

func (f *Feed) run() error {
	stop, err := f.beats()
	if err != nil {
		return err
	}
	defer stop()
	stream, err := f.bus.stream(f.ctx, bucket(f.bus.names.state()))
	if err != nil {
		return err
	}
	// What stands in the state bucket now goes first: a coordinator can place few commits before it knows the jobs.
	standing := make(chan struct{})
	last := stream.CachedInfo().State.LastSeq
	f.start(func() error {
		return f.follow(bucket(f.bus.names.state()), f.restore, f.passing(stateMark, last, standing))
	})
	select {
	case <-standing:
	case <-f.ctx.Done():
		return nil
	}
	return f.follow(bucket(f.bus.names.commits()), f.record, f.passing(commitsMark, 0, nil))
}

// passing notes how far a bucket has been handed in, and closes standing when that is up to last.
func (f *Feed) passing(of int, last uint64, standing chan struct{}) func(seq uint64) {
	if standing != nil && last == 0 {
		close(standing)
		standing = nil
	}
	return func(seq uint64) {
		if standing != nil && seq >= last {
			close(standing)
			standing = nil
		}
		if f.marks.pass(of, seq) {
			f.replayed()
		}
	}
}

// restore hands in a record of the state bucket.
func (f *Feed) restore(msg jetstream.Msg) error {
	if !strings.HasPrefix(msg.Subject(), key(f.bus.names.state(), "job.")) || len(msg.Data()) == 0 {
		return nil
	}
	var r mapreduce.Record
	if err := decode(msg.Subject(), msg.Data(), &r); err != nil {
		return err
	}
	if err := understood(msg.Subject(), r.Version); err != nil {
		return err
	}
	meta, err := msg.Metadata()
	if err != nil {
		return err
	}
	f.emit(mapreduce.Restored{Record: dated(r, meta.Timestamp)})
	return nil
}

// dated is a record whose dates are those of the bus, by which it was stored, where whoever wrote it had another clock: what seems old is
// removed. When a job has ended may have been written long before, by a clock that was right.
func dated(r mapreduce.Record, stored time.Time) mapreduce.Record {
	const late = time.Minute // a record may have been on its way for a while
	wrong := stored.Sub(r.At).Abs() > late
	if wrong {
		r.At = stored
	}
	if r.State.Final() && r.Summary != nil && (wrong || r.Summary.Ended.Sub(stored) > late) {
		summary := *r.Summary
		summary.Ended, r.Summary = stored, &summary
	}
	return r
}

// record hands in a record of the commits bucket. One that cannot be read ends the feed: passed over, it would be a
// commit that never was, and its task would be queued for ever.
func (f *Feed) record(msg jetstream.Msg) error {
	name := strings.TrimPrefix(msg.Subject(), key(f.bus.names.commits(), ""))
	if name == barrierKey || len(msg.Data()) == 0 {
		return nil
	}
	event, err := recordEvent(name, msg.Data())
	if err != nil {
		return err
	}
	f.emit(event)
	return nil
}

func (f *Feed) emit(event mapreduce.Event) {
	select {
	case f.events <- event:
	case <-f.ctx.Done():
	}
}

// The buckets that have a barrier.
const (
	stateMark = iota
	commitsMark
)

// marks are how far the two buckets have been handed in, and where their barriers are.
type marks struct {
	mu       sync.Mutex
	passed   [2]uint64
	barriers [2]uint64 // 0: none yet
	behind   bool      // both barriers are
}

// wait sets the barriers, and reports whether both have been passed.
func (m *marks) wait(state, commits uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.barriers = [2]uint64{state, commits}
	return m.check()
}

// pass notes how far a bucket has been handed in, and reports whether the last barrier has just been passed. A message
// behind the barrier is as good as the barrier: a later leader may have overwritten it.
func (m *marks) pass(of int, seq uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passed[of] = max(m.passed[of], seq)
	return m.check()
}

func (m *marks) check() bool {
	reached := m.barriers[stateMark] > 0 && m.passed[stateMark] >= m.barriers[stateMark] &&
		m.passed[commitsMark] >= m.barriers[commitsMark]
	news := reached && !m.behind
	m.behind = m.behind || reached
	return news
}
