package bus

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// A lane may stand on three servers. When the one that leads it dies, the others elect a leader, which takes longer than a lane of one
// server is waited for: so whoever uses a lane learns beforehand how many copies those of its job have.

// electWait is for how long a stream with copies may be away: its servers notice after four to nine seconds that they have no leader, and
// may have to vote twice.
const electWait = 25 * time.Second

// copies is how many servers have the lanes of a job.
type copies struct {
	mu sync.Mutex
	of map[mapreduce.UID]int
}

// copiesKnown is of how many jobs it is remembered.
const copiesKnown = 1024

func (c *copies) get(uid mapreduce.UID) (n int, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, known = c.of[uid]
	return n, known
}

func (c *copies) set(uid mapreduce.UID, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil || len(c.of) >= copiesKnown {
		c.of = map[mapreduce.UID]int{}
	}
	c.of[uid] = n
}

// learnCopies asks how many copies a lane has, unless it is known of another of its job. No answer is no knowledge.
func (b *Bus) learnCopies(ctx context.Context, stream string) {
	if !b.clustered() {
		return
	}
	uid := b.names.laneOwner(stream)
	if _, known := b.copies.get(uid); known || uid == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, laneSilence)
	defer cancel()
	if found, err := b.js.Stream(ctx, stream); err == nil {
		b.copies.set(uid, found.CachedInfo().Config.Replicas)
	}
}

// copied reports whether a stream stands on several servers, as far as is known.
func (b *Bus) copied(stream string) bool {
	n, _ := b.copies.get(b.names.laneOwner(stream))
	return n > 1 || strings.HasPrefix(stream, b.names.input("")) && b.clustered() && !b.few.Load()
}

// awayWait is for how long a stream may be away before it is given up.
func (b *Bus) awayWait(stream string) time.Duration {
	if b.copied(stream) {
		return electWait
	}
	return laneWait
}

// sayAlone notes that there are too few servers for copies of lanes, and says so once.
func (a *across) sayAlone() {
	if !a.alone.Swap(true) && a.bus.log != nil {
		a.bus.log.Warn("runs are on one server each, though more were asked for: the cluster has too few servers now")
	}
}

// copied is a lane on as many servers as was asked for, or on one when there are too few.
func (a *across) copied(config jetstream.StreamConfig) jetstream.StreamConfig {
	if a.bus.shape.DataReplicas > 1 && !a.alone.Load() {
		config.Replicas = a.bus.shape.DataReplicas
	}
	return config
}

// behind reports whether the leader of a lane with copies holds more than was read: another server may not have it yet. err: it is not
// known.
func (f *fetch) behind(ctx context.Context) (bool, error) {
	if !f.bus.copied(f.away.stream) {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, hastyWait)
	defer cancel()
	found, err := f.bus.js.Stream(ctx, f.away.stream)
	if err != nil {
		return false, err
	}
	return found.CachedInfo().State.LastSeq >= f.next, nil
}

// confirm makes sure that nothing is there from next on.
func (f *fetch) confirm(ctx context.Context) error {
	more, err := f.behind(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		f.over, f.silent = false, true // who leads it is being elected
	case more:
		f.over = false
		return wait(ctx, 20*time.Millisecond)
	}
	return nil
}
