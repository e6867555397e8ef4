package bus

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"jetreduce/mapreduce"
)

// lineup is the slots that wait for a task of any of several classes, and the requests that stand at the server for them.
//
//	slot ─┬─▶ waits for builtin ◀── requests for builtin, at most as many as have waited at a time
//	      └─▶ waits for exec    ◀── requests for exec
//
// A request belongs to no slot: when a slot was given a task of one class, its request for the other stands for whoever waits next. So no slot
// leaves requests behind, however short its tasks are. A task that comes when nobody waits is handed back.
type lineup struct {
	queue *Queue

	mu       sync.Mutex
	waiting  []*inLine
	standing map[mapreduce.Class]int
}

func (l *lineup) begin(queue *Queue) { l.queue, l.standing = queue, map[mapreduce.Class]int{} }

// inLine is a slot that waits.
type inLine struct {
	classes []mapreduce.Class
	given   chan given // of room for one: who gives takes it out of the line
}

type given struct {
	delivery mapreduce.Delivery
	err      error
}

// pull waits for one task of any of the classes.
func (l *lineup) pull(ctx context.Context, classes []mapreduce.Class) (mapreduce.Delivery, error) {
	me := &inLine{classes, make(chan given, 1)}
	l.mu.Lock()
	l.waiting = append(l.waiting, me)
	for _, class := range classes {
		l.request(ctx, class)
	}
	l.mu.Unlock()
	select {
	case g := <-me.given:
		return g.delivery, g.err
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leave(me) {
		return mapreduce.Delivery{}, ctx.Err()
	}
	g := <-me.given // it came at the same moment
	if g.err == nil {
		_ = l.queue.Settle(ctx, g.delivery.Receipt, mapreduce.HandBack)
	}
	return mapreduce.Delivery{}, ctx.Err()
}

// leave takes a slot out of the line, and reports whether it was still in it; l.mu is held.
func (l *lineup) leave(me *inLine) bool {
	at := slices.Index(l.waiting, me)
	if at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
	}
	return at >= 0
}

// first is the slot that has waited longest for a class, or nil, and how many do; l.mu is held.
func (l *lineup) first(class mapreduce.Class) (first *inLine, n int) {
	for _, slot := range l.waiting {
		if slices.Contains(slot.classes, class) {
			n++
			if first == nil {
				first = slot
			}
		}
	}
	return first, n
}

// request sees to it that as many requests for a class stand as slots wait for it; l.mu is held. A request outlives the slot that it was
// made for, as any request does whose slot has gone.
func (l *lineup) request(ctx context.Context, class mapreduce.Class) {
	if _, n := l.first(class); l.standing[class] >= n {
		return
	}
	l.standing[class]++
	ctx = context.WithoutCancel(ctx)
	l.queue.pulls.Go(func() { l.stand(ctx, class) })
}

// stand makes requests for a class until one is answered by a task, or nobody waits for it any more.
func (l *lineup) stand(ctx context.Context, class mapreduce.Class) {
	for {
		delivery, found, err := l.once(ctx, class)
		l.mu.Lock()
		first, n := l.first(class)
		over := found || err != nil || n < l.standing[class]
		if over {
			l.standing[class]--
		}
		if first != nil && (found || err != nil) {
			l.leave(first)
			first.given <- given{delivery, err}
		}
		l.mu.Unlock()
		if found && first == nil {
			_ = l.queue.Settle(ctx, delivery.Receipt, mapreduce.HandBack)
		}
		if over {
			return
		}
	}
}

// once makes one request. An error is the end of asking.
func (l *lineup) once(ctx context.Context, class mapreduce.Class) (delivery mapreduce.Delivery, found bool, err error) {
	q := l.queue
	patience, err := q.bind(q.life, class)
	if err != nil {
		return delivery, false, err
	}
	msg, err := q.next(class, pullRequest)
	switch {
	case err == nil:
		delivery, found = q.delivery(msg, patience)
		return delivery, found, nil
	case q.life.Err() != nil:
		return delivery, false, errors.New("pull: the queue is closed")
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, ErrDenied):
		return delivery, false, err
	case !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, context.DeadlineExceeded):
		_ = wait(q.life, 50*time.Millisecond) // the server is away: that passes
	}
	return delivery, false, nil
}
