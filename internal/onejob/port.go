package onejob

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"jetreduce/internal/roles"
	"jetreduce/tcp"
)

const standAgain = 500 * time.Millisecond

// port listens while this process leads, and is a backup of whoever listens while it does not.
func (m *member) port(ctx context.Context) error {
	for {
		standing, sit := context.WithCancel(ctx)
		var stands sync.WaitGroup
		stands.Go(func() { m.stand(standing) })
		var reign context.Context
		select {
		case reign = <-m.reigns:
		case <-ctx.Done():
		}
		sit()
		stands.Wait()
		if reign == nil {
			return ctx.Err()
		}
		if err := m.serve(reign); err != nil {
			return err
		}
	}
}

// stand registers with whoever listens, again and again, so that workers hear where else they may be served.
func (m *member) stand(ctx context.Context) {
	announce := m.announce()
	for ctx.Err() == nil {
		if err := tcp.Standby(ctx, m.Addr, announce, func() {}); err == nil {
			m.Log.Info("who served the port is gone", "addr", m.Addr)
		}
		_ = pass(ctx, standAgain)
	}
}

// announce is the next free port above the one that is served, as the original announces it. Whoever takes over serves the port
// itself.
func (m *member) announce() tcp.Addr {
	host, text, err := net.SplitHostPort(m.Addr)
	port, errPort := strconv.Atoi(text)
	if err != nil || errPort != nil {
		return tcp.Addr{Host: host}
	}
	for next := port + 1; next < 1<<16; next++ {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(next)))
		if err == nil {
			_ = listener.Close()
			return tcp.Addr{Host: host, Port: next}
		}
	}
	return tcp.Addr{Host: host, Port: port}
}

// serve serves the port as long as this process leads, when nobody else has it any more.
func (m *member) serve(ctx context.Context) error {
	q := m.queueUp(time.Now())
	defer q.leave()
	for ctx.Err() == nil {
		held, err := m.occupy()
		var ours claimed
		switch {
		case err == nil:
			q.leave()
			return m.listen(ctx, held)
		case errors.As(err, &ours):
			q.behindOurs(ctx, ours.pid)
		case errors.Is(err, syscall.EADDRINUSE):
			err = q.behindStranger(ctx)
			if err != nil {
				return err
			}
		default:
			return err
		}
	}
	return nil
}

// ownPort is a port that this process has.
type ownPort struct {
	claim
	net.Listener
}

// occupy claims the port, and listens at it.
func (m *member) occupy() (ownPort, error) {
	c, err := take(m.Claim)
	if err != nil {
		return ownPort{}, err
	}
	listener, err := net.Listen("tcp", m.Addr)
	if err != nil {
		return ownPort{}, fmt.Errorf("serve workers: %w", errors.Join(err, c.drop()))
	}
	if err := c.sign(); err != nil {
		m.Log.Warn("other coordinators of this port cannot be told who has it", "cause", err)
	}
	return ownPort{c, listener}, nil
}

// listen serves whoever connects, and gives the port up when this process leads no more.
func (m *member) listen(ctx context.Context, held ownPort) (err error) {
	defer func() { err = errors.Join(err, held.drop()) }()
	m.served.Store(true)
	roles.WarnOfStrangers(m.Log, held.Addr())
	server := roles.Peers{Bus: m.b, Log: m.Log, Memory: m.Memory, Scratch: m.Scratch, Blob: m.Blob, Program: m.Program}.Server()
	var updating sync.WaitGroup
	defer updating.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	updating.Go(func() { m.updates(server).run(ctx) })
	return server.Run(ctx, held.Listener)
}
