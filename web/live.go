package web

import (
	"context"
	"errors"
	"sync"
	"time"
)

// live lets many viewers see the same change. What somebody watches has one poller, which ends when the last viewer leaves. Nothing is kept
// for a viewer but one message: who has not taken it when the next one comes is let go, and may come again.
type live struct {
	every time.Duration
	most  int // viewers at a time

	mu       sync.Mutex
	subjects map[look]*subject
	viewers  int
	dropped  int64
	ended    bool
}

// subject is what some viewers watch.
type subject struct {
	at       look
	view     view
	viewers  map[*viewer]bool // who has not been let go
	watching int              // who has not left
	last     frame
	id       string // of last; "": there is none yet
	cancel   context.CancelFunc
	over     chan struct{} // closed when nobody polls any more
}

// viewer is one who watches.
type viewer struct {
	next chan message // closed when the viewer is let go
}

var errFull = errors.New("too many watch at a time")

func newLive(every time.Duration, most int) *live {
	return &live{every: every, most: most, subjects: map[look]*subject{}}
}

// watch sends what changes in a view until ctx ends, the viewer is too slow, or the server stops; first all of it, unless the viewer has
// seen just that. It begins with an empty message, and sends one now and then.
func (l *live) watch(ctx context.Context, s *subject, seen string, send func(message) error) error {
	v := &viewer{next: make(chan message, 1)}
	s, err := l.join(s, v, seen)
	if err != nil {
		return err
	}
	defer l.leave(s, v)
	quiet := time.NewTicker(stillHere)
	defer quiet.Stop()
	for m, more := (message{}), true; more; {
		if err := send(m); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case m, more = <-v.next:
		case <-quiet.C:
			m = message{}
		}
	}
	return nil
}

// join begins to watch a subject, or one that is there and like it.
func (l *live) join(s *subject, v *viewer, seen string) (*subject, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || l.viewers >= l.most {
		return nil, errFull
	}
	if known := l.subjects[s.at]; known != nil {
		s = known
	} else {
		l.subjects[s.at] = s
		s.viewers, s.over = map[*viewer]bool{}, make(chan struct{})
		var ctx context.Context
		ctx, s.cancel = context.WithCancel(context.Background())
		go l.poll(ctx, s, seen)
	}
	s.viewers[v] = true
	s.watching++
	l.viewers++
	if s.id != "" && s.id != seen {
		v.next <- message{s.id, encode(changes(frame{}, s.last))}
	}
	return s, nil
}

// leave ends watching. The last one ends the poller, and waits for that.
func (l *live) leave(s *subject, v *viewer) {
	if l.left(s, v) {
		s.cancel()
		<-s.over
	}
}

func (l *live) left(s *subject, v *viewer) (last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(s.viewers, v)
	l.viewers--
	s.watching--
	if s.watching == 0 {
		delete(l.subjects, s.at)
	}
	return s.watching == 0
}

// poll looks at a subject as long as somebody watches. What the first viewer has seen is not said again.
func (l *live) poll(ctx context.Context, s *subject, seen string) {
	defer close(s.over)
	timer := time.NewTimer(l.every)
	defer timer.Stop()
	for ctx.Err() == nil {
		f := s.view(ctx, s.at)
		if ctx.Err() == nil {
			l.publish(s, f, seen)
		}
		timer.Reset(l.every)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}

// publish tells all viewers what has changed.
func (l *live) publish(s *subject, f frame, seen string) {
	id := f.id()
	l.mu.Lock()
	defer l.mu.Unlock()
	changed := changes(s.last, f)
	first := s.id == ""
	s.last, s.id = f, id
	if len(changed) == 0 || first && id == seen && s.watching == 1 {
		return
	}
	m := message{id, encode(changed)}
	for v := range s.viewers {
		select {
		case v.next <- m:
		default:
			delete(s.viewers, v)
			close(v.next)
			l.dropped++
		}
	}
}

// end lets all go, for good.
func (l *live) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	for _, s := range l.subjects {
		for v := range s.viewers {
			delete(s.viewers, v)
			close(v.next)
		}
	}
}

// counts is how many watch, and how many were let go since they were too slow.
func (l *live) counts() (viewers int, dropped int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.viewers, l.dropped
}
