package roles

import (
	"context"
	"errors"
	"sync/atomic"

	"jetreduce/bus"
	"jetreduce/mapreduce"
	"jetreduce/web"
)

// Page is what a coordinator's page shows: what the leader answers over the bus, whoever that is, and where this process stands. It is
// there before there is a bus, and when the bus is away.
type Page struct {
	at        atomic.Pointer[post]
	leads     atomic.Bool
	takeovers atomic.Int64
}

// post is where a page asks.
type post struct {
	bus   *bus.Bus
	signs *Signs
}

// Use has the page ask on a bus until it is released. Signs are those of this process.
func (p *Page) Use(b *bus.Bus, signs *Signs) (release func()) {
	if p == nil {
		return func() {}
	}
	at := &post{b, signs}
	p.at.Store(at)
	return func() { p.at.CompareAndSwap(at, nil) }
}

// Reign is what this process does while it leads: what else it does, which may be nil, and to say so on the page.
func (p *Page) Reign(also func(ctx context.Context)) func(ctx context.Context) {
	if p == nil {
		return also
	}
	return func(ctx context.Context) {
		p.takeovers.Add(1)
		p.leads.Store(true)
		defer p.leads.Store(false)
		if also != nil {
			also(ctx)
		}
		<-ctx.Done()
	}
}

// Standing is where this process stands.
func (p *Page) Standing() web.Standing {
	s := web.Standing{Leads: p.leads.Load(), Takeovers: p.takeovers.Load()}
	at := p.at.Load()
	if at == nil {
		return s
	}
	s.Connected = at.bus.Connected()
	ill, words := at.signs.Tell()
	s.Leads, s.Follows, s.Why = s.Leads && !ill, !s.Leads && !ill, ""
	if ill {
		s.Why = words
	}
	return s
}

var (
	errNotYet = errors.New("this process is not connected to a bus yet: see its log")
	errAway   = errors.New("the bus is away: this page goes on when it is back")
)

// desk is who answers now. When the bus is away nobody is waited for.
func (p *Page) desk() (*bus.Desk, error) {
	at := p.at.Load()
	switch {
	case at == nil:
		return nil, errNotYet
	case !at.bus.Connected():
		return nil, errAway
	}
	return at.bus.Desk(), nil
}

// atDesk asks the desk, if there is one.
func atDesk[T any](p *Page, ask func(desk *bus.Desk) (T, error)) (answer T, err error) {
	desk, err := p.desk()
	if err != nil {
		return answer, err
	}
	return ask(desk)
}

// List lists the jobs before one, the latest first.
func (p *Page) List(ctx context.Context, before mapreduce.JobID) (mapreduce.JobList, error) {
	return atDesk(p, func(desk *bus.Desk) (mapreduce.JobList, error) { return desk.ListBefore(ctx, before) })
}

// Workers lists the workers.
func (p *Page) Workers(ctx context.Context) ([]mapreduce.Member, error) {
	return atDesk(p, func(desk *bus.Desk) ([]mapreduce.Member, error) { return desk.Workers(ctx) })
}

// Timeline is how a job went.
func (p *Page) Timeline(ctx context.Context, job mapreduce.JobID) (mapreduce.Timeline, error) {
	return atDesk(p, func(desk *bus.Desk) (mapreduce.Timeline, error) { return desk.Timeline(ctx, job) })
}

// Vitals is how the system is.
func (p *Page) Vitals(ctx context.Context) (mapreduce.Vitals, error) {
	return atDesk(p, func(desk *bus.Desk) (mapreduce.Vitals, error) { return desk.Vitals(ctx) })
}

// Cancel cancels a job.
func (p *Page) Cancel(ctx context.Context, job mapreduce.JobID) (*mapreduce.Status, error) {
	return atDesk(p, func(desk *bus.Desk) (*mapreduce.Status, error) { return desk.Cancel(ctx, job) })
}

// Retry runs a job again that failed or was cancelled.
func (p *Page) Retry(ctx context.Context, job mapreduce.JobID) (*mapreduce.Status, error) {
	return atDesk(p, func(desk *bus.Desk) (*mapreduce.Status, error) { return desk.Retry(ctx, job) })
}

// Remove removes a job that has ended.
func (p *Page) Remove(ctx context.Context, job mapreduce.JobID) (*mapreduce.Status, error) {
	return atDesk(p, func(desk *bus.Desk) (*mapreduce.Status, error) { return desk.Remove(ctx, job) })
}
