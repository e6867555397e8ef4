package tcp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// link is a connection to a client. Whoever has the turn may write; one goroutine reads (listen), so that a peer that leaves is
// noticed at once. It has the turn when a request is out, whether or not anybody still waits for the reply.
//
//	requester  turn ─▶ write ─▶ wait ─────────────────────────────────────────────────────┐
//	listen             └─ owes ─▶ read, parse, use ─▶ write the next ─▶ … ─▶ that was all ┴▶ give the turn back
type link struct {
	conn    net.Conn
	reader  *Reader
	framing Framing       // of what is written
	wait    time.Duration // for a small reply, and for a small message to be taken
	rate    int           // bytes for which there is a second more
	pause   time.Duration // behind a message that has no reply
	ctx     context.Context
	fail    context.CancelCauseFunc // ends the connection, and says why
	turn    chan struct{}           // holds a token while somebody has the turn
	wanted  atomic.Int32            // how many wait for the turn
	owes    atomic.Bool             // the peer is to say something
	call    *call                   // what it is to answer; written before owes is set
	out     []byte                  // of whoever has the turn
}

// nonsense is what a peer that keeps to the protocol does not say.
type nonsense struct{ error }

func (n nonsense) Unwrap() error { return n.error }

func nonsensef(format string, args ...any) error { return nonsense{fmt.Errorf(format, args...)} }

var (
	errGone     = errors.New("it has hung up")
	errMiddle   = errors.New("it has hung up inside a message")
	errSilent   = errors.New("it did not register")
	errReleased = errors.New("its work is over")
	errMute     = errors.New("no reply")
	errOthers   = errors.New("others wait for the turn")
)

func newLink(ctx context.Context, conn net.Conn, c Config) *link {
	l := &link{conn: conn, wait: c.ReplyWait, rate: c.ReplyRate, pause: c.pause, turn: make(chan struct{}, 1)}
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
	err := l.hear(&m)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return m, fmt.Errorf("%w within %v: it has said %.20q", errSilent, within, l.reader.Pending())
	}
	if err != nil {
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
	if err != nil {
		return l.unheard(err)
	}
	l.reader.SetLimit(smallMost)
	l.owes.Store(false)
	if !isBlank(l.reader.Pending()) {
		return nonsensef("it says more than was asked of it")
	}
	if m.most = 0; l.call != nil {
		m.most = l.call.now.pairs + sparePairs
	}
	if err := m.parse(text); err != nil {
		return nonsense{err}
	}
	return nil
}

// unheard is why no message was heard.
func (l *link) unheard(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return errGone
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errMiddle
	case errors.Is(err, ErrTooLarge) && l.owes.Load() && l.call != nil:
		return l.call.now.tooLarge(err)
	case errors.Is(err, os.ErrDeadlineExceeded) && l.call != nil:
		return fmt.Errorf("%w within %v", errMute, l.call.within)
	case errors.Is(err, ErrTooLarge), errors.Is(err, errForeign):
		return nonsense{err}
	}
	return err
}

// listen hears the replies until the connection ends.
func (l *link) listen() {
	var m message
	for {
		if err := l.hear(&m); err != nil {
			l.fail(err)
			return
		}
		if !l.goOn(l.call, &m) {
			_ = l.conn.SetReadDeadline(time.Time{}) // nothing is asked of it
			l.yield()
		}
		m.release()
	}
}

// take waits for the turn.
func (l *link) take(ctx context.Context) error {
	l.wanted.Add(1)
	defer l.wanted.Add(-1)
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

// say sends a frame that has no reply, and lets nothing follow at once.
func (l *link) say(frame []byte) error {
	reading := time.Duration(len(frame)/restBytes) * time.Millisecond
	_ = l.conn.SetWriteDeadline(time.Now().Add(l.patience(len(frame))))
	if err := l.write(l.ctx, frame); err != nil {
		return err
	}
	return l.rest(l.pause + reading)
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

// frame is a message as the peer takes it, until the next one.
func (l *link) frame(message func([]byte) []byte) (frame []byte, err error) {
	frame, err = AppendFrame(l.out[:0], l.framing, message)
	if l.out = frame; cap(frame) > keepBuffer {
		l.out = nil
	}
	return frame, err
}

// patience is for how long a peer may have to do with so many bytes.
func (l *link) patience(size int) time.Duration {
	return l.wait + time.Duration(size/l.rate)*time.Second
}

// write takes the connection with it when it fails, or when ctx ends: half a message cannot be taken back.
func (l *link) write(ctx context.Context, frame []byte) error {
	stop := context.AfterFunc(ctx, func() { l.fail(context.Cause(ctx)) })
	defer stop()
	if _, err := l.conn.Write(frame); err != nil {
		l.fail(fmt.Errorf("it takes no message: %w", err))
		return context.Cause(l.ctx)
	}
	return nil
}
