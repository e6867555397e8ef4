package roles

import (
	"context"
	"fmt"
	"sync"
	"time"

	"jetreduce/backup"
	"jetreduce/mapreduce"
	"jetreduce/worker"
)

// Signs are the signs of life that a coordinator or a worker gives while it does its work, and whoever asks for its health is told. The
// zero value has none yet.
type Signs struct {
	mu    sync.Mutex
	at    time.Time // of the last one
	words string    // what it was
}

// stale is how old the last sign may be: many of the periods in which they are given, and more than a machine that is busy is late.
const stale = 5 * time.Second

func (s *Signs) note(words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.words = time.Now(), words
}

// Tell tells whoever asks how this process is.
func (s *Signs) Tell() (ill bool, words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at.IsZero() {
		return true, "it runs, and has not begun its work: see its log"
	}
	age := time.Since(s.at).Round(100 * time.Millisecond)
	return age > stale, fmt.Sprintf("%s %s ago", s.words, age)
}

// pulse is a pulse whose heartbeats are signs of life.
func (s *Signs) pulse(p worker.Pulse) worker.Pulse {
	if s == nil {
		return p
	}
	return signedPulse{p, s}
}

type signedPulse struct {
	worker.Pulse
	signs *Signs
}

func (p signedPulse) Beat(beat mapreduce.Beat) error {
	err := p.Pulse.Beat(beat)
	if err == nil {
		p.signs.note(fmt.Sprintf("worker %s sent a heartbeat, with %d attempts under way,", beat.Worker, len(beat.Running)))
	}
	return err
}

// lease is a lease whose renewals are signs of life.
func (s *Signs) lease(l backup.Lease) backup.Lease {
	if s == nil {
		return l
	}
	return signedLease{l, s}
}

type signedLease struct {
	backup.Lease
	signs *Signs
}

func (l signedLease) Renew(ctx context.Context, epoch mapreduce.Epoch) error {
	err := l.Lease.Renew(ctx, epoch)
	if err == nil {
		l.signs.note(fmt.Sprintf("it leads, epoch %d, and renewed its lease", epoch))
	}
	return err
}

// Release is the last that a leader does. Whether it is heard or not, the process leads no more.
func (l signedLease) Release(ctx context.Context, epoch mapreduce.Epoch) error {
	l.signs.note(fmt.Sprintf("it led, epoch %d, and resigned", epoch))
	return l.Lease.Release(ctx, epoch)
}

// sight is a sight whose looks are signs of life.
func (s *Signs) sight(of backup.Sight) backup.Sight {
	if s == nil {
		return of
	}
	return signedSight{of, s}
}

type signedSight struct {
	backup.Sight
	signs *Signs
}

func (s signedSight) Look(ctx context.Context) (mapreduce.Leadership, error) {
	seen, err := s.Sight.Look(ctx)
	if err == nil {
		s.signs.note(fmt.Sprintf("it stands by, and saw epoch %d", seen.Epoch))
	}
	return seen, err
}
