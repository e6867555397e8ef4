package tcp

import (
	"errors"
	"sync"
	"time"
)

// blame remembers who talked nonsense, or kept silent.
type blame struct {
	now     func() time.Time
	mu      sync.Mutex
	callers map[caller]*record
	hosts   map[string]*record // under whatever names
}

// caller is who a nonsense is remembered of. Several may share it, right ones and wrong ones: a worker that is not told otherwise calls
// itself 0. So nobody is shut out; who has been wrong takes turns with its namesakes.
type caller struct{ id, host string }

// record is what is held against somebody.
type record struct {
	times int
	until time.Time // it is forgotten
	turn  time.Time // of the newcomer that came last
}

const (
	manyWrong  = 3  // so often a caller is let in again at once; from then on in turns, doubly far apart each time
	manyOfHost = 16 // so often a host's newcomers
	callerWait = time.Second
	hostWait   = 100 * time.Millisecond
	longWait   = 10 * time.Second // no two turns are farther apart, and nobody waits longer for one
	memory     = time.Minute
	mostWrong  = 1 << 12 // remembered
)

func newBlame(now func() time.Time) *blame {
	return &blame{now: now, callers: map[caller]*record{}, hosts: map[string]*record{}}
}

// errManyWait is that a newcomer's turn is too far away. It may come again.
var errManyWait = errors.New("others wait that call themselves so, or come from its host, and some were wrong many times")

// admit is for how long a caller waits before it gets work, or why it is refused.
func (b *blame) admit(who caller) (wait time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	for _, known := range []*record{b.callers[who], b.hosts[who.host]} {
		if known == nil || now.After(known.until) {
			continue
		}
		first, many := hostWait, manyOfHost
		if known == b.callers[who] {
			first, many = callerWait, manyWrong-1
		}
		turn, err := known.queue(now, known.pace(first, many))
		if err != nil {
			return 0, err
		}
		wait = max(wait, turn)
	}
	return wait, nil
}

// pace is how far apart turns are.
func (r *record) pace(first time.Duration, many int) time.Duration {
	if r.times <= many {
		return 0
	}
	return min(first<<min(r.times-many-1, 10), longWait)
}

// queue gives a newcomer the turn behind all that wait, unless that is too far away: whoever comes again and again, or under ever new
// names, many at a time, gets work at the pace of one, and few of them hold a connection meanwhile. Who is refused leaves no trace, and
// finds a turn when those before have had theirs.
//
//	now ─▶ turn ─▶ turn ─▶ turn ─▶ … longWait │ refused
//	          └ pace ┘
func (r *record) queue(now time.Time, pace time.Duration) (wait time.Duration, err error) {
	if pace == 0 {
		return 0, nil
	}
	next := now
	if r.turn.After(now) {
		next = r.turn
	}
	next = next.Add(pace)
	if wait = next.Sub(now); wait > longWait {
		return 0, errManyWait
	}
	r.turn = next
	return wait, nil
}

// forgive forgets what is held against a caller: it, or another of that name, has been right. Its host is not forgiven for others.
func (b *blame) forgive(who caller) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.callers, who)
}

// note counts a nonsense, and returns the how manieth it was of the caller, and for how long those of its name wait now.
func (b *blame) note(who caller) (times int, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	recordOf(b.hosts, who.host).add(b.now())
	known := recordOf(b.callers, who)
	known.add(b.now())
	return known.times, known.pace(callerWait, manyWrong-1)
}

func (r *record) add(now time.Time) {
	if now.After(r.until) {
		r.times = 0
	}
	r.times, r.until = r.times+1, now.Add(memory)
}

// recordOf is what is held against somebody. When there are too many to remember, any is forgotten.
func recordOf[K comparable](records map[K]*record, who K) *record {
	if known := records[who]; known != nil {
		return known
	}
	for other := range records {
		if len(records) < mostWrong {
			break
		}
		delete(records, other)
	}
	records[who] = &record{}
	return records[who]
}
