package processtest_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"jetreduce/bus"
	"jetreduce/internal/original"
	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// port is one port of a machine on which a text is counted by original workers.
type port struct {
	*processtest.Machine
	t     *testing.T
	lines []string
	args  []string
	addr  string
	out   string
	crew  sync.WaitGroup
}

// openPort makes a text, and finds a port.
func openPort(t *testing.T, blob int, lines []string) *port {
	t.Helper()
	addr, err := processtest.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	m := processtest.NewMachine(t)
	text, out := filepath.Join(m.Dir(), "text"), filepath.Join(m.Dir(), "out.csv")
	if err := os.WriteFile(text, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	_, number, _ := net.SplitHostPort(addr)
	p := &port{Machine: m, t: t, lines: lines, addr: addr, out: out, args: []string{
		"-f", text, "-o", out, "-b", strconv.Itoa(blob), "-p", number,
	}}
	t.Cleanup(p.crew.Wait)
	return p
}

// store is where the bus of the port is.
func (p *port) store() string {
	_, number, _ := net.SplitHostPort(p.addr)
	return filepath.Join(p.Store(), bus.PortStores, number)
}

// coordinator starts one more, and waits until it leads, or stands by.
func (p *port) coordinator(says string) *processtest.Process {
	p.t.Helper()
	c := p.OneJob(p.args...)
	c.Await(says)
	return c
}

const (
	serves = "serves original workers"
	stands = "backup registered" // says who serves
)

// hire lets original workers work until the test ends, or stop is called.
func (p *port) hire(n int, each original.Worker) (stop func()) {
	p.t.Helper()
	ctx, stop := context.WithCancel(p.t.Context())
	p.t.Cleanup(stop)
	for i := range n {
		w := each
		w.ID, w.Addr, w.Retry = strconv.Itoa(i), p.addr, 50*time.Millisecond
		w.Tries = 1 << 20
		p.crew.Go(func() {
			if err := w.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				p.t.Errorf("worker %s: %v", w.ID, err)
			}
		})
	}
	return stop
}

// exact waits until these have ended with 0, and compares the result.
func (p *port) exact(coordinators ...*processtest.Process) {
	p.t.Helper()
	for _, c := range coordinators {
		if code := c.Exit(); code != 0 {
			p.t.Errorf("%s exited with %d", c, code)
		}
	}
	p.exactIn(p.out)
}

// exactIn compares the result in a file.
func (p *port) exactIn(name string) {
	p.t.Helper()
	got, err := os.ReadFile(name)
	if err != nil {
		p.t.Fatal(err)
	}
	p.exactly(string(got))
}

// exactly compares a result.
func (p *port) exactly(got string) {
	p.t.Helper()
	if want := strings.NewReplacer("\t", ",", "\n", "\r\n").Replace(processtest.Count(p.lines)); got != want {
		p.t.Errorf("the result has %d bytes, want %d:\n%.300q\nwant\n%.300q", len(got), len(want), got, want)
	}
}

// with are the flags with another value for one of them.
func (p *port) with(flag, value string) []string {
	args := slices.Clone(p.args)
	args[slices.Index(args, flag)+1] = value
	return args
}

// uid is that of the job that is worked on.
func (p *port) uid() mapreduce.UID {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), processtest.Limit)
	defer cancel()
	url, err := bus.BusAddress(p.store())
	if err != nil {
		p.t.Fatal(err)
	}
	nc, err := bus.Connect(ctx, bus.ConnectConfig{URL: url, Name: "test", Wait: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		p.t.Fatal(err)
	}
	defer nc.Close()
	b, err := bus.New(nc, "")
	if err != nil {
		p.t.Fatal(err)
	}
	_, number, _ := net.SplitHostPort(p.addr)
	var found *mapreduce.Status
	processtest.AwaitTrue(p.t, "a leader to answer", func() bool {
		found, err = b.Desk().Ask(ctx, mapreduce.JobID("words-"+number))
		return err == nil && found != nil
	})
	return found.UID
}

// turnstile lets so many map requests through, and then none until it is turned.
type turnstile struct {
	t    *testing.T
	full chan struct{} // tells each time that nobody more comes through

	mu     sync.Mutex
	each   int
	left   int
	closed chan struct{} // replaced when it is turned; closed then
	wide   bool
}

// turnstile makes one, which opens when the test ends, however that is: who waits at it could not go home.
func (p *port) turnstile(each int) *turnstile {
	s := &turnstile{t: p.t, full: make(chan struct{}, 16), each: each, left: each, closed: make(chan struct{})}
	p.t.Cleanup(s.open) // before the crew is waited for
	return s
}

func (s *turnstile) pass(task string) {
	if task != "map_request" {
		return
	}
	s.mu.Lock()
	closed := s.closed
	s.left--
	stay := s.left < 0 && !s.wide
	if s.left == 0 && !s.wide {
		s.full <- struct{}{}
	}
	s.mu.Unlock()
	if stay {
		<-closed
	}
}

// awaitFull waits until nobody more comes through.
func (s *turnstile) awaitFull() {
	s.t.Helper()
	receive(s.t, s.full, "a turnstile to be full")
}

// turn lets through who waits, and as many again.
func (s *turnstile) turn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.closed)
	s.closed, s.left = make(chan struct{}), s.each
}

// open lets everybody through from now on. It may be called again.
func (s *turnstile) open() {
	s.mu.Lock()
	s.wide = true
	s.mu.Unlock()
	s.turn()
}

// receive waits for what a channel brings, which is to be soon.
func receive[T any](t *testing.T, from <-chan T, what string) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(processtest.Limit):
		t.Fatalf("in vain waited for %s", what)
	}
	return got
}
