package tcp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is a connection to a client. Whoever has the turn may write; one goroutine reads (listen), so that a peer that leaves is
// noticed at once. The turn of a request ends with its reply, whether or not anybody still waits for that.
//
//	requester  turn ─▶ write ─▶ wait ──────────▶ use the reply ─┐
//	listen             └─ owes ─▶ read, parse ─▶ answer ────────┴▶ give the turn back
type link struct {
	conn    net.Conn
	reader  *Reader
	framing Framing       // of what is written
	wait    time.Duration // for a reply, and for a write
	ctx     context.Context
	fail    context.CancelCauseFunc // ends the connection, and says why
	turn    chan struct{}           // holds a token while somebody has the turn
	owes    atomic.Bool             // the peer is to say something
	call    *call                   // what it is to answer; written before owes is set
	out     []byte                  // of whoever has the turn
}

// call is a request that is out.
type call struct {
	answer chan *message
	done   chan struct{} // closed when nobody waits for the answer, or needs it any more

	mu       sync.Mutex
	answered bool
	late     *time.Timer // nil: not yet set
}

// limit has something done when there is no answer in time.
func (c *call) limit(wait time.Duration, late func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.answered {
		c.late = time.AfterFunc(wait, late)
	}
}

// settle is that there is an answer, or will be none.
func (c *call) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered = true
	if c.late != nil {
		c.late.Stop()
	}
}

// nonsense is what a peer that keeps to the protocol does not say.
type nonsense struct{ error }

func (n nonsense) Unwrap() error { return n.error }

func nonsensef(format string, args ...any) error { return nonsense{fmt.Errorf(format, args...)} }

var (
	errGone     = errors.New("it has hung up")
	errMiddle   = errors.New("it has hung up inside a message")
	errReleased = errors.New("its work is over")
)

func newLink(ctx context.Context, conn net.Conn, wait time.Duration) *link {
	l := &link{conn: conn, wait: wait, turn: make(chan struct{}, 1)}
	l.ctx, l.fail = context.WithCancelCause(ctx)
	context.AfterFunc(l.ctx, l.hangUp)
	l.reader = NewReader(l, smallMost)
	l.owes.Store(true) // its registration
	return l
}

func (l *link) hangUp() { _ = l.conn.Close() }

// close ends the connection, if nothing has before.
func (l *link) close(cause error) {
	l.fail(cause)
	l.hangUp()
}

// Read reads what the peer says when it is to say something. White space may stand between messages.
func (l *link) Read(p []byte) (int, error) {
	n, err := l.conn.Read(p)
	if n > 0 && !l.owes.Load() && !isBlank(p[:n]) {
		return 0, nonsensef("it speaks when nothing was asked of it")
	}
	return n, err
}

func isBlank(text []byte) bool { return len(bytes.Trim(text, jsonSpace)) == 0 }

// hello is how a client registers.
func (l *link) hello(within time.Duration) (message, error) {
	var m message
	_ = l.conn.SetReadDeadline(time.Now().Add(within))
	if err := l.hear(&m); err != nil {
		return m, err
	}
	_ = l.conn.SetReadDeadline(time.Time{})
	if m.length {
		l.reader.Switch(Length)
	}
	l.framing = l.reader.Framing()
	return m, nil
}

// hear reads one message, behind which there must be nothing.
func (l *link) hear(m *message) error {
	text, err := l.reader.Next()
	switch {
	case errors.Is(err, io.EOF):
		return errGone
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errMiddle
	case errors.Is(err, ErrTooLarge):
		return nonsense{err}
	case err != nil:
		return err
	}
	l.reader.SetLimit(smallMost)
	l.owes.Store(false)
	if !isBlank(l.reader.Pending()) {
		return nonsensef("it says more than was asked of it")
	}
	if err := m.parse(text); err != nil {
		return nonsense{err}
	}
	return nil
}

// listen hears the replies until the connection ends.
func (l *link) listen() {
	var m message
	for {
		if err := l.hear(&m); err != nil {
			l.fail(err)
			return
		}
		call := l.call
		call.settle()
		select {
		case call.answer <- &m:
			<-call.done
		case <-call.done:
		}
		m.release()
		l.yield()
	}
}

// take waits for the turn.
func (l *link) take(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return context.Cause(l.ctx)
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// yield gives the turn back.
func (l *link) yield() { <-l.turn }

// ask sends a request and hands the reply to use, which may keep nothing of it. When ctx ends first, the reply will be dropped.
func (l *link) ask(ctx context.Context, request func([]byte) []byte, use func(*message) error) error {
	if err := l.take(ctx); err != nil {
		return err
	}
	if err := l.frame(request); err != nil {
		l.yield()
		return err
	}
	call := &call{answer: make(chan *message), done: make(chan struct{})}
	defer close(call.done)
	l.call = call
	l.reader.SetLimit(MaxFrame)
	l.owes.Store(true)
	if err := l.write(ctx); err != nil {
		return err
	}
	call.limit(l.wait, func() { l.fail(fmt.Errorf("no reply within %v", l.wait)) })
	select {
	case m := <-call.answer:
		return use(m)
	case <-l.ctx.Done():
		call.settle()
		return context.Cause(l.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// say sends a message that has no reply, and lets nothing follow at once.
func (l *link) say(message func([]byte) []byte) error {
	if err := l.frame(message); err != nil {
		return err
	}
	reading := time.Duration(len(l.out)/restBytes) * time.Millisecond
	if err := l.write(l.ctx); err != nil {
		return err
	}
	return l.rest(pause + reading)
}

// restBytes is what an original surely reads in a millisecond.
const restBytes = 16 << 10

func (l *link) rest(pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	}
}

// frame makes what write writes.
func (l *link) frame(message func([]byte) []byte) (err error) {
	l.out, err = AppendFrame(l.out[:0], l.framing, message)
	return err
}

// write takes the connection with it when it fails, or when ctx ends: half a message cannot be taken back.
func (l *link) write(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { l.fail(context.Cause(ctx)) })
	defer stop()
	_ = l.conn.SetWriteDeadline(time.Now().Add(l.wait))
	if _, err := l.conn.Write(l.out); err != nil {
		l.fail(fmt.Errorf("it takes no message: %w", err))
		return context.Cause(l.ctx)
	}
	if cap(l.out) > keepBuffer {
		l.out = nil
	}
	return nil
}
