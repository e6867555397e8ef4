// Package proxy is the wire between a client and a server that a test can cut. It speaks plain TCP, so that any client of
// any server goes through it.
//
//	client ──▶ Addr ── up ──▶ target
//	       ◀───────── down ──
//
//	Cut, CutAnswers   bytes are held, and nothing is reset: a partition, or a process that is paused
//	Sever             connections are reset and new ones refused: a process that died
//	Heal              held bytes go on, in order and none missing; new connections are let in
//
// A client that learns the server's own address from the server goes round it: a nats-server in a cluster must not
// advertise (Cluster.NoAdvertise).
package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// The directions in which bytes pass.
const (
	up   = 0 // from the client to the target
	down = 1
)

// Proxy stands before one target. It is safe for concurrent use.
type Proxy struct {
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	target  string
	links   map[*link]struct{}
	refuses bool
	open    [2]chan struct{} // of each direction: closed while bytes pass
}

// New listens on a free port of the loopback interface for a target, host:port. The target need not be there yet: a client
// whose target does not answer is reset.
func New(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", target, err)
	}
	p := &Proxy{target: target, listener: listener, links: map[*link]struct{}{}, open: [2]chan struct{}{opened(), opened()}}
	p.running.Go(p.serve)
	return p, nil
}

func opened() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// Addr is where clients connect, host:port. It stays the same until Close.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Point leads clients that connect from now on to another target.
func (p *Proxy) Point(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

func (p *Proxy) aim() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target
}

// Cut holds all bytes in both directions. Connections stay, and new ones are accepted and hear nothing.
func (p *Proxy) Cut() { p.hold(up, down) }

// CutAnswers holds what the target says. What it is told still arrives: it acts, and nobody learns of it.
func (p *Proxy) CutAnswers() { p.hold(down) }

func (p *Proxy) hold(directions ...int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range directions {
		if isOpen(p.open[d]) {
			p.open[d] = make(chan struct{})
		}
	}
}

// Sever resets all connections, and refuses new ones. What was held is lost.
func (p *Proxy) Sever() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = true
	for l := range p.links {
		l.kill()
	}
}

// Heal ends whatever was done: held bytes go on, new connections are let in.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = false
	for d := range p.open {
		if !isOpen(p.open[d]) {
			close(p.open[d])
		}
	}
}

// Close resets all connections, gives the port back and waits until nothing of the proxy runs any more.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.Sever()
	p.running.Wait()
}

func (p *Proxy) serve() {
	for {
		conn, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			p.admit(conn)
		}
	}
}

// admit lets a client in, or resets it: the port stays ours, so that nobody else is found there.
func (p *Proxy) admit(client net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuses {
		reset(client)
		return
	}
	l := newLink(p, client)
	p.links[l] = struct{}{}
	p.running.Go(l.run)
}

func (p *Proxy) forget(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// pass waits until bytes may pass, or until ctx ends, and reports whether they may.
func (p *Proxy) pass(ctx context.Context, direction int) bool {
	for {
		p.mu.Lock()
		gate := p.open[direction]
		p.mu.Unlock()
		if isOpen(gate) {
			return ctx.Err() == nil
		}
		select {
		case <-gate:
		case <-ctx.Done():
			return false
		}
	}
}

func isOpen(gate chan struct{}) bool {
	select {
	case <-gate:
		return true
	default:
		return false
	}
}
