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

const (
	standAgain = 500 * time.Millisecond
	// strangerFor is how long a stranger may have the port of a job that goes on: one of ours that has just died may still hold it.
	strangerFor = 15 * time.Second
)

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
		if err := tcp.Standby(ctx, m.Addr, announce, true, func(int, []tcp.Histogram) {}); err == nil {
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

// serve serves the port as long as this process leads.
func (m *member) serve(ctx context.Context) error {
	var since time.Time // from when a stranger has had the port
	for ctx.Err() == nil {
		listener, err := net.Listen("tcp", m.Addr)
		switch {
		case err == nil:
			return m.listen(ctx, listener)
		case !errors.Is(err, syscall.EADDRINUSE):
			return fmt.Errorf("serve workers: %w", err)
		case since.IsZero():
			since = time.Now()
			m.Log.Warn("another process has the port: stands by for it", "addr", m.Addr)
		}
		if err := m.yield(ctx, time.Since(since)); err != nil {
			return err
		}
	}
	return nil
}

// yield stands by for a stranger for a moment. When the job was served before, and nobody is there who works on it, it is the
// stranger's.
func (m *member) yield(ctx context.Context, held time.Duration) error {
	if held > strangerFor && m.abandoned(ctx) {
		return fmt.Errorf("another process has %s, and no worker is left to this job: if it is an original, the workers and the result are its; "+
			"if it is a coordinator of ours that stands still, resume it or kill it, and start again. %s was left alone", m.Addr, m.Output)
	}
	moment, cancel := context.WithTimeout(ctx, strangerFor/3)
	defer cancel()
	_ = tcp.Standby(moment, m.Addr, m.announce(), true, func(int, []tcp.Histogram) {})
	_ = pass(moment, standAgain)
	return nil
}

// abandoned reports whether the job was served before, and has no worker now.
func (m *member) abandoned(ctx context.Context) bool {
	if !m.served.Load() {
		return false
	}
	list, err := m.b.Desk().Workers(ctx)
	for _, w := range list {
		if w.Slots[roles.Class] > 0 {
			return false
		}
	}
	return err == nil
}

// listen serves whoever connects.
func (m *member) listen(ctx context.Context, listener net.Listener) error {
	m.served.Store(true)
	roles.WarnOfStrangers(m.Log, listener.Addr())
	server := roles.Peers{Bus: m.b, Log: m.Log, Memory: m.Memory, Scratch: m.Scratch, Blob: m.Blob, Program: m.Program}.Server()
	var updating sync.WaitGroup
	defer updating.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	updating.Go(func() { m.update(ctx, server) })
	return server.Run(ctx, listener)
}
