package bus

import (
	"context"
	"errors"
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

// elects reports whether a lane that has been silent for a while may have servers that elect a leader. How many copies it has nobody says for
// it: one that was made when there were too few servers, or by a leader to which nobody said how many, has one, and its server may be gone
// for good. So no lane is waited for longer than an election takes.
func (a *across) elects(silent time.Duration) bool {
	return a.bus.shape.DataReplicas > 1 && !a.alone.Load() && silent < electWait
}

// silences are since when lanes that a leader looks for have not answered. It looks when somebody misses them: there may be minutes between.
type silences struct {
	mu    sync.Mutex
	since map[string]time.Time
}

// goesOn notes that a lane does not answer, and returns for how long it has not.
func (s *silences) goesOn(stream string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, known := s.since[stream]
	if !known {
		if s.since == nil {
			s.since = map[string]time.Time{}
		}
		since = time.Now()
		s.since[stream] = since
	}
	return time.Since(since)
}

// ends notes that a lane has answered, or is dropped.
func (s *silences) ends(stream string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.since, stream)
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

// catchUp reports whether the leader of a lane with copies holds more than was read: another server may not have it yet. What the leader does
// not hold any more no other will give. err: it is not known.
func (f *fetch) catchUp(ctx context.Context) (more bool, err error) {
	if !f.bus.copied(f.away.stream) {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, hastyWait)
	defer cancel()
	found, err := f.bus.js.Stream(ctx, f.away.stream)
	if err != nil {
		return false, err
	}
	last := found.CachedInfo().State.LastSeq
	if last < f.next {
		return false, nil
	}
	_, err = f.bus.leadersMessage(ctx, f.away.stream, map[string]any{"seq": f.next, "next_by_subj": f.bus.names.laneSubject(f.lane)})
	if errors.Is(err, errGone) {
		f.lost += last + 1 - f.next
		f.next = last + 1
		return false, nil
	}
	return true, err
}

// confirm makes sure that nothing is there from next on.
func (f *fetch) confirm(ctx context.Context) error {
	more, err := f.catchUp(ctx)
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
