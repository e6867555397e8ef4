package web

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"jetreduce/mapreduce"
)

// asks asks the desk, so that many who look are no burden to the leader: what all pages show is asked for once at a time and is good
// for a moment, and of all else only so many questions are under way.
type asks struct {
	desk    Desk
	gauge   Gauge
	room    chan struct{} // one for each question under way, but for those that all share
	vitals  fresh[mapreduce.Vitals]
	workers fresh[[]mapreduce.Member]
	jobs    fresh[mapreduce.JobList] // the latest

	mu   sync.Mutex
	seen []takeover // by this process, the latest first
}

// takeover is a leadership that began.
type takeover struct {
	Epoch  mapreduce.Epoch
	Leader string
	Since  time.Time
}

const (
	askWait      = 2 * time.Second // a page says by then what it knows
	maxAsks      = 16
	maxTakeovers = 5
)

func newAsks(c Config) *asks {
	good := c.Every / 2
	return &asks{
		desk: c.Desk, gauge: c.Gauge, room: make(chan struct{}, maxAsks),
		vitals: newFresh[mapreduce.Vitals](good), workers: newFresh[[]mapreduce.Member](good), jobs: newFresh[mapreduce.JobList](good),
	}
}

// askInTurn asks one question when there is room.
func askInTurn[T any](ctx context.Context, a *asks, question func(ctx context.Context) (T, error)) (answer T, err error) {
	turn, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	select {
	case a.room <- struct{}{}:
		defer func() { <-a.room }()
	case <-turn.Done():
		return answer, errors.New("too many ask at a time: look again in a moment")
	}
	return ask(turn, question)
}

// ask asks one question.
func ask[T any](ctx context.Context, question func(ctx context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	answer, err := question(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("no coordinator has answered within two seconds")
	}
	return answer, err
}

// Vitals is how the system is.
func (a *asks) Vitals(ctx context.Context) (mapreduce.Vitals, error) {
	return a.vitals.get(ctx, func(ctx context.Context) (mapreduce.Vitals, error) {
		v, err := ask(ctx, a.gauge.Vitals)
		if err == nil {
			a.notice(takeover{v.Epoch, v.Leader, v.Since})
		}
		return v, err
	})
}

// notice remembers who leads.
func (a *asks) notice(t takeover) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.seen) > 0 && a.seen[0].Epoch >= t.Epoch {
		return
	}
	a.seen = slices.Insert(a.seen, 0, t)
	a.seen = a.seen[:min(len(a.seen), maxTakeovers)]
}

func (a *asks) takeovers() []takeover {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.seen)
}

// Workers is the workers.
func (a *asks) Workers(ctx context.Context) ([]mapreduce.Member, error) {
	return a.workers.get(ctx, func(ctx context.Context) ([]mapreduce.Member, error) { return ask(ctx, a.desk.Workers) })
}

// List is the jobs before one.
func (a *asks) List(ctx context.Context, before mapreduce.JobID) (mapreduce.JobList, error) {
	list := func(ctx context.Context) (mapreduce.JobList, error) { return a.desk.List(ctx, before) }
	if before != "" {
		return askInTurn(ctx, a, list)
	}
	return a.jobs.get(ctx, func(ctx context.Context) (mapreduce.JobList, error) { return ask(ctx, list) })
}

// Timeline is how a job went.
func (a *asks) Timeline(ctx context.Context, job mapreduce.JobID) (mapreduce.Timeline, error) {
	return askInTurn(ctx, a, func(ctx context.Context) (mapreduce.Timeline, error) { return a.desk.Timeline(ctx, job) })
}

// fresh is an answer that is good for a while, an error too.
type fresh[T any] struct {
	turn  chan struct{} // whoever holds it may look and ask
	good  time.Duration
	state *answered[T]
}

type answered[T any] struct {
	at     time.Time
	answer T
	err    error
}

func newFresh[T any](good time.Duration) fresh[T] {
	return fresh[T]{turn: make(chan struct{}, 1), good: good, state: &answered[T]{}}
}

func (f fresh[T]) get(ctx context.Context, ask func(ctx context.Context) (T, error)) (T, error) {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
	if s := f.state; !s.at.IsZero() && time.Since(s.at) < f.good {
		return s.answer, s.err
	}
	answer, err := ask(ctx)
	if ctx.Err() == nil { // that one asker left is no answer for others
		*f.state = answered[T]{time.Now(), answer, err}
	}
	return answer, err
}
