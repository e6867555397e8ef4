package tcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"jetreduce/mapreduce"
)

// Client is a worker of any server that speaks the protocol, an original coordinator too.
type Client struct {
	Addr string // of the server, host:port
	ID   string
	// Length asks for length framing. A server that does not know it goes on as ever.
	Length bool

	Log      *slog.Logger // nil: none
	Program  mapreduce.Program
	OrderKey func(dst, word []byte) []byte // appends a word's key in the order of the originals; called by Run alone

	Retry time.Duration // before it connects again; 0: 1 s
	Tries int           // failed connects in a row after which it gives up; 0: 10
}

// Run connects and does what it is told, and does so again when the connection breaks, until ctx ends. It gives up when nobody
// is there several times in a row.
func (c Client) Run(ctx context.Context) error {
	c.Retry, c.Tries = cmp.Or(c.Retry, time.Second), cmp.Or(c.Tries, 10)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	for failed := 0; ; {
		conn, err := dial(ctx, c.Addr)
		if err == nil {
			failed = 0
			err = c.serve(ctx, conn)
			c.Log.Info("connection lost: connects again", "addr", c.Addr, "cause", err)
		} else if failed++; failed == c.Tries && ctx.Err() == nil {
			return fmt.Errorf("nobody serves at %s, tried %d times: %w", c.Addr, failed, err)
		} else {
			c.Log.Debug("not connected: tries again", "addr", c.Addr, "tried", failed, "cause", err)
		}
		select {
		case <-time.After(c.Retry):
		case <-ctx.Done():
			return nil
		}
	}
}

func dial(ctx context.Context, addr string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: connectWait}
	return dialer.DialContext(ctx, "tcp", addr)
}

const (
	connectWait = 10 * time.Second
	writeWait   = 2 * time.Minute
)

// serve is one connection, from its registration to its end.
func (c Client) serve(ctx context.Context, conn net.Conn) error {
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	mapper, err := c.Program.Mapper(nil)
	if err != nil {
		return err
	}
	s := &session{client: c, conn: conn, reader: NewReader(conn, MaxFrame), hand: hand{mapper: mapper, orderKey: c.OrderKey}}
	if err := s.write(EOT, func(dst []byte) []byte { return appendRegister(dst, c.ID, c.Length) }); err != nil {
		return err
	}
	c.Log.Info("registered", "addr", c.Addr, "id", c.ID)
	for {
		if err := s.next(ctx); err != nil {
			return err
		}
	}
}

// session is a connection to a server.
type session struct {
	client Client
	conn   net.Conn
	reader *Reader
	hand   hand
	heard  message
	out    []byte
}

// next does one thing that it is told.
func (s *session) next(ctx context.Context) error {
	if err := s.hear(); err != nil {
		return err
	}
	switch s.heard.task {
	case mapRequest:
		counts, err := s.hand.count(ctx, s.heard.blob)
		return s.reply(mapReply, counts, err)
	case reduceRequest:
		counts, err := s.hand.merge(s.heard.value[0], s.heard.value[1])
		return s.reply(reduceReply, counts, err)
	case regBackup:
		s.client.Log.Debug("there is a backup", "addr", s.heard.addr)
		return nil
	}
	return fmt.Errorf("%s is nothing that a worker does", s.heard.task)
}

func (s *session) hear() error {
	text, err := s.reader.Next()
	if errors.Is(err, io.EOF) {
		return errors.New("the server has hung up")
	}
	if err != nil {
		return err
	}
	return s.heard.parse(text)
}

func (s *session) reply(task string, counts Histogram, err error) error {
	if err != nil {
		return err
	}
	return s.write(s.reader.Framing(), func(dst []byte) []byte { return appendReply(dst, task, counts) })
}

func (s *session) write(framing Framing, message func([]byte) []byte) (err error) {
	if cap(s.out) > keepBuffer {
		s.out = nil
	}
	if s.out, err = AppendFrame(s.out[:0], framing, message); err != nil {
		return err
	}
	if err = s.conn.SetWriteDeadline(time.Now().Add(writeWait)); err == nil {
		_, err = s.conn.Write(s.out)
	}
	return err
}

// Standby registers as a backup of ours that announces an address, says so, and stays. When the connection ends it returns nil: the server
// is gone. When ctx ends it returns why. Who is never connected has not registered, whatever the error. What the server holds, a backup of
// ours does not need to be told.
func Standby(ctx context.Context, addr string, announce Addr, registered func()) error {
	conn, err := dial(ctx, addr)
	if err != nil {
		return fmt.Errorf("stand by for %s: %w", addr, err)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	s := &session{conn: conn, reader: NewReader(conn, MaxFrame)}
	if err = s.write(EOT, func(dst []byte) []byte { return appendBackup(dst, announce, true) }); err == nil {
		registered()
	}
	for err == nil {
		var text []byte
		if text, err = s.reader.Next(); err == nil {
			err = s.heard.parse(text) // an original sends updates
		}
	}
	var broken net.Error
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &broken):
		return nil
	}
	return fmt.Errorf("stand by for %s: %w", addr, err)
}
