package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// link is one client's connection, and the one to the target that belongs to it.
type link struct {
	proxy  *Proxy
	ctx    context.Context // ends when the link is killed
	cancel context.CancelFunc
	client net.Conn

	mu    sync.Mutex
	conns []net.Conn // to reset when the link is killed
}

func newLink(p *Proxy, client net.Conn) *link {
	ctx, cancel := context.WithCancel(context.Background())
	return &link{proxy: p, ctx: ctx, cancel: cancel, client: client, conns: []net.Conn{client}}
}

// run carries bytes until both sides have ended, or one is lost.
func (l *link) run() {
	defer l.proxy.forget(l)
	defer l.kill()
	if !l.proxy.pass(l.ctx, up) {
		return
	}
	var dialer net.Dialer
	target, err := dialer.DialContext(l.ctx, "tcp", l.proxy.aim())
	if err != nil || !l.owns(target) {
		return
	}
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(target, l.client, up) })
	pumps.Go(func() { l.pump(l.client, target, down) })
	pumps.Wait()
}

// owns takes a connection into the link, or resets it when the link has been killed.
func (l *link) owns(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		reset(conn)
		return false
	}
	l.conns = append(l.conns, conn)
	return true
}

// kill resets both connections. Of one that has ended in both directions there is nothing left to reset.
func (l *link) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancel()
	for _, conn := range l.conns {
		reset(conn)
	}
}

// pump carries bytes in one direction, and the end of them: only of that direction, since a close would lose what is on its
// way in the other. A side that is lost takes the other with it, as late as bytes would arrive.
func (l *link) pump(to, from net.Conn, direction int) {
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		if !l.proxy.pass(l.ctx, direction) {
			return
		}
		if _, failed := to.Write(piece[:n]); failed != nil {
			l.kill()
			return
		}
		if errors.Is(err, io.EOF) {
			_ = to.(*net.TCPConn).CloseWrite()
			return
		}
		if err != nil {
			l.kill()
			return
		}
	}
}

// reset closes a connection without a good-bye.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}
