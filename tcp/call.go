package tcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// due is what is asked of a peer: what has more than that is no right reply, and is not waited for.
type due struct {
	task  string
	bytes int // a right reply has about so many, as Python writes it
	pairs int // and so many pairs at most
}

// Others may write otherwise than Python does, and a peer that is only a little wrong is to hear where.
const (
	mostTimes  = 4
	sparePairs = 1 << 10
)

// limit is the most bytes that a reply may have.
func (d due) limit() int { return min(MaxFrame, smallMost+mostTimes*d.bytes) }

// tooLarge says what a reply is too large for.
func (d due) tooLarge(err error) error {
	return nonsense{fmt.Errorf("reply to a request whose answer has about %d bytes: %w", d.bytes, err)}
}

// question is a request, what a right reply to it has, and what is to be done with a reply, of which nothing may be kept.
type question struct {
	request func(dst []byte) []byte
	due
	use func(*message) error
}

// one is a question and no more.
func one(q *question) func() (*question, error) {
	return func() (*question, error) {
		now := q
		q = nil
		return now, nil
	}
}

// call is questions to a peer, each of which is thought of when the one before it has been answered; whoever hears the reply does so, and
// does not wake up whoever waits for the last.
type call struct {
	ctx  context.Context
	next func() (*question, error) // nil: that was all
	over chan error                // holds how it ended

	now    *question     // is out
	within time.Duration // in which there must be a reply

	mu   sync.Mutex // of whoever calls next or uses a reply
	left bool       // it has ended, or nobody waits any more
}

// end says how a call has ended. What may still be heard is not used.
func (c *call) end(err error) {
	c.left = true
	c.over <- err
}

// used uses a reply.
func (c *call) used(m *message) (err error) {
	defer caught(&err)
	return c.now.use(m)
}

// following is the next question.
func (c *call) following() (q *question, err error) {
	defer caught(&err)
	return c.next()
}

// caught makes an error of a program's panic: whoever hears replies serves more than this attempt.
func caught(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("program panicked: %v\n%s", cause, debug.Stack())
	}
}

// leave is that nobody waits: nothing of this call is being done any more, nor will be.
func (c *call) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
}

// ask asks questions until there are no more, or one of them fails. When ctx ends first, the last reply will be dropped.
func (l *link) ask(ctx context.Context, next func() (*question, error)) error {
	c := &call{ctx: ctx, next: next, over: make(chan error, 1)}
	for {
		if err := l.take(ctx); err != nil {
			return err
		}
		if asks, err := l.begin(c); !asks {
			l.yield()
			return err
		}
		if err := l.await(ctx, c); !errors.Is(err, errOthers) {
			return err
		}
	}
}

// begin asks a question for which somebody waits. A peer that answers before it has heard all is kept waiting.
func (l *link) begin(c *call) (asks bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = false
	if asks, err = l.put(c); asks && err != nil {
		c.end(err)
	}
	return asks, err
}

// await waits until a call is over.
func (l *link) await(ctx context.Context, c *call) error {
	select {
	case err := <-c.over:
		return err
	case <-l.ctx.Done():
	case <-ctx.Done():
	}
	c.leave()
	return cmp.Or(context.Cause(l.ctx), context.Cause(ctx))
}

// put asks a call's next question, if there is one. Whoever has the turn does so.
func (l *link) put(c *call) (asks bool, err error) {
	q, err := c.following()
	if q == nil || err != nil {
		return false, err
	}
	frame, err := l.frame(q.request)
	if err != nil {
		return false, err
	}
	if c.ctx.Err() != nil { // nothing has been sent: it costs nobody the connection
		return false, context.Cause(c.ctx)
	}
	c.now, c.within = q, l.patience(len(frame)+q.bytes)
	l.call = c
	l.reader.SetLimit(q.limit())
	l.owes.Store(true)
	_ = l.conn.SetWriteDeadline(time.Now().Add(l.patience(len(frame))))
	if err := l.write(c.ctx, frame); err != nil {
		return true, err
	}
	_ = l.conn.SetReadDeadline(time.Now().Add(c.within))
	return true, nil
}

// goOn uses a reply and asks what is next, if somebody waits for that and nobody else for the turn.
func (l *link) goOn(c *call, m *message) (asks bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left {
		return false
	}
	err := c.used(m)
	if err == nil && l.wanted.Load() > 0 {
		err = errOthers
	}
	if err == nil {
		asks, err = l.put(c)
	}
	if !asks || err != nil {
		c.end(err)
	}
	return asks
}
