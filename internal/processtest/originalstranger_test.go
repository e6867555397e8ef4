package processtest_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jetreduce/bus"
	"jetreduce/internal/original"
	"jetreduce/internal/processtest"
)

// Promise: whoever holds the port serves. If that is an original, and nobody else is left, ours says so and leaves the result alone.
func TestPortThatAnOriginalHoldsIsItsOwn(t *testing.T) {
	t.Parallel()
	p := openPort(t, 512, processtest.Lines(6, 300, 100, 3000))
	gate := p.turnstile(10)
	stop := p.hire(1, original.Worker{Heard: gate.pass})
	leader := p.coordinator(serves)
	next := p.OneJob(p.args...)
	leader.Await(stands)
	gate.awaitFull()
	stop()
	leader.Kill()
	p.original("of another job")
	if code := next.Exit(); code != 1 {
		t.Errorf("exited with %d", code)
	}
	if _, err := os.Stat(p.out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the output was touched: %v", err)
	}
}

// original has an original coordinator serve the port until the test ends, or skips the test when one of ours had the port first.
func (p *port) original(text string) {
	p.t.Helper()
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Skip("the next coordinator was faster than the original")
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	p.t.Cleanup(cancel)
	p.crew.Go(func() { _, _ = (&original.Coordinator{Text: []byte(text), Blob: 512}).Run(ctx, listener) })
}

// Promise: what is neither ours nor an original is waited for, and the user is told.
func TestPortThatAnotherProgramHasIsWaitedFor(t *testing.T) {
	t.Parallel()
	p := openPort(t, 1024, processtest.Lines(16, 30, 100, 300))
	asked, leave := p.webServer()
	c := p.coordinator("another program has the port: waits for it. Stop that one, or start again with another -p")
	for range 3 {
		receive(t, asked, "the stranger to be asked")
	}
	leave()
	c.Await(serves)
	p.hire(2, original.Worker{})
	p.exact(c)
}

// webServer has a stranger serve the port until the test ends, or it is told to leave. It tells each time that it was asked for something.
func (p *port) webServer() (asked <-chan struct{}, leave func()) {
	p.t.Helper()
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	leave = func() { _ = listener.Close() }
	p.t.Cleanup(leave)
	each := make(chan struct{}, 100)
	p.crew.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n\x04"))
			_ = conn.Close()
			poke(each)
		}
	})
	return each, leave
}

// poke tells something, unless that was told so often that nobody wants to hear it.
func poke(told chan<- struct{}) {
	select {
	case told <- struct{}{}:
	default:
	}
}

// Promise: who comes with another file while a job is served is told so, and changes nothing.
func TestPortThatServesAnotherFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	p := openPort(t, 1024, processtest.Lines(10, 60, 100, 300))
	gate := p.turnstile(3)
	p.hire(1, original.Worker{Heard: gate.pass})
	leader := p.coordinator(serves)
	gate.awaitFull()
	other := filepath.Join(p.Dir(), "other")
	if err := os.WriteFile(other, []byte("another text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := p.OneJob(p.with("-f", other)...).Exit(); code != 1 {
		t.Errorf("exited with %d", code)
	}
	gate.open()
	p.exact(leader)
}

// Promise: where the bus of a port was the last time, something else may listen today.
func TestPortGetsABusOfItsOwnAgain(t *testing.T) {
	t.Parallel()
	p := openPort(t, 1024, processtest.Lines(11, 30, 100, 300))
	p.hire(2, original.Worker{})
	p.exact(p.coordinator(serves))
	url, err := bus.BusAddress(p.store())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", strings.TrimPrefix(url, "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	p.exact(p.coordinator(serves))
}
