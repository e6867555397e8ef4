package backup_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"jetreduce/backup"
	"jetreduce/mapreduce"
)

// scene is a bus in memory, and the processes that compete on it. It lives in a synctest bubble.
type scene struct {
	t *testing.T

	mu       sync.Mutex
	standing mapreduce.Leadership
	writes   uint64          // revisions given out
	away     bool            // nobody gets an answer
	reigns   []*reign        // in the order of their beginning
	probes   map[string]bool // who has one
}

// reign is one call of lead.
type reign struct {
	process  string
	epoch    mapreduce.Epoch
	from, to time.Time
	over     bool
	cause    error // of the end of its context
}

func newScene(t *testing.T) *scene { return &scene{t: t, probes: map[string]bool{}} }

// write does something to the bus, unless it is away: then there is no answer until ctx ends.
func (s *scene) write(ctx context.Context, do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.away {
		return do()
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	return ctx.Err()
}

// usurp takes the next epoch from outside.
func (s *scene) usurp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take("usurper")
}

func (s *scene) take(process string) mapreduce.Epoch {
	s.writes++
	s.standing = mapreduce.Leadership{Epoch: mapreduce.Epoch(s.writes), Revision: s.writes, Holder: process}
	return s.standing.Epoch
}

func (s *scene) setAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// view is what there is to see at one moment.
type view struct {
	standing mapreduce.Leadership
	reigns   []reign
	probes   int
}

func (s *scene) view() view {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := view{standing: s.standing, probes: len(s.probes)}
	for _, r := range s.reigns {
		v.reigns = append(v.reigns, *r)
	}
	return v
}

// leader returns the only one that leads.
func (s *scene) leader() reign {
	s.t.Helper()
	leading := s.view().reigns
	leading = slices.DeleteFunc(leading, func(r reign) bool { return r.over })
	if len(leading) != 1 {
		s.t.Fatalf("%d lead: %+v", len(leading), leading)
	}
	return leading[0]
}

// pass lets time pass, and all that happens in it.
func pass(d time.Duration) {
	wait(d)
	synctest.Wait()
}

// process is one competitor: backup.Lease and backup.Sight.
type process struct {
	*scene
	name   string
	cancel context.CancelFunc
	ended  chan struct{}
	result error // what Run returned, when it has ended

	dead    bool          // as after kill -9, seen from outside: nothing of it reaches the bus any more
	paused  time.Duration // how long it stands still in each call, whatever the context says
	lossy   bool          // its next takeover works, but its answer is lost
	refuses error         // what lead returns at once
	idle    bool          // lead returns nil at once
	slowEnd time.Duration // how long lead takes to end
	noted   []string      // the order of things
}

// start runs a competitor, which ends with the test.
func (s *scene) start(name string, change func(*process, *backup.Config)) *process {
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{scene: s, name: name, cancel: cancel, ended: make(chan struct{})}
	config := backup.Config{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if change != nil {
		change(p, &config)
	}
	go func() {
		defer close(p.ended)
		p.result = backup.Run(ctx, config, p, p, p.lead)
	}()
	s.t.Cleanup(func() { _ = p.stop() })
	return p
}

// stop ends the competitor, and returns what Run did.
func (p *process) stop() error {
	p.cancel()
	<-p.ended
	return p.result
}

// lead leads until its context ends.
func (p *process) lead(ctx context.Context, epoch mapreduce.Epoch) error {
	r := &reign{process: p.name, epoch: epoch, from: time.Now()}
	p.change(func() { p.reigns = append(p.reigns, r) })
	if p.refuses == nil && !p.idle {
		<-ctx.Done()
		wait(p.slowEnd)
	}
	p.change(func() {
		r.over, r.to, r.cause = true, time.Now(), context.Cause(ctx)
		p.noted = append(p.noted, "lead returned")
	})
	return errors.Join(p.refuses, ctx.Err())
}

// did returns what the process did, in order.
func (p *process) did() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.noted)
}

func (p *process) change(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
}

// call is one call of this process to the bus.
func (p *process) call(ctx context.Context, do func() error) error {
	var dead bool
	var paused time.Duration
	p.change(func() { dead, paused = p.dead, p.paused })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	wait(latency + paused) // the answer may be there when it goes on
	if dead {
		<-ctx.Done()
		return ctx.Err()
	}
	return p.write(ctx, do)
}

func (p *process) Acquire(ctx context.Context, after mapreduce.Epoch) (epoch mapreduce.Epoch, err error) {
	err = p.call(ctx, func() error {
		if p.standing.Epoch != after {
			return mapreduce.ErrDeposed
		}
		epoch = p.take(p.name)
		if p.lossy {
			p.lossy, epoch = false, 0
			return errors.New("no answer")
		}
		return nil
	})
	return epoch, err
}

func (p *process) Renew(ctx context.Context, epoch mapreduce.Epoch) error {
	return p.renew(ctx, epoch, false)
}

func (p *process) Release(ctx context.Context, epoch mapreduce.Epoch) error {
	p.change(func() { p.noted = append(p.noted, "released") })
	return p.renew(ctx, epoch, true)
}

func (p *process) renew(ctx context.Context, epoch mapreduce.Epoch, released bool) error {
	return p.call(ctx, func() error {
		if p.standing.Epoch != epoch {
			return mapreduce.ErrDeposed
		}
		p.writes++
		p.standing.Revision, p.standing.Released = p.writes, released
		return nil
	})
}

func (p *process) Look(ctx context.Context) (seen mapreduce.Leadership, err error) {
	err = p.call(ctx, func() error {
		p.probes[p.name], seen = true, p.standing
		return nil
	})
	return seen, err
}

func (p *process) Leave(ctx context.Context) error {
	return p.call(ctx, func() error {
		delete(p.probes, p.name)
		return nil
	})
}

// latency is how long a call takes: long enough that others call meanwhile.
const latency = time.Millisecond

// wait lets time pass. In a bubble it is nobody's time.
func wait(d time.Duration) { <-time.After(d) }
