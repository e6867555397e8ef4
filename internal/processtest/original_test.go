package processtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
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
	return filepath.Join(p.Store(), "port-"+number)
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
	want := strings.NewReplacer("\t", ",", "\n", "\r\n").Replace(processtest.Count(p.lines))
	got, err := os.ReadFile(p.out)
	if err != nil {
		p.t.Fatal(err)
	}
	if string(got) != want {
		p.t.Errorf("the result has %d bytes, want %d:\n%.300q\nwant\n%.300q", len(got), len(want), got, want)
	}
}

// Promise: original workers, unmodified and as many as one likes, count exactly, whatever the blobs.
func TestOriginalWorkersCountExactly(t *testing.T) {
	for _, c := range []struct{ workers, blob int }{{1, 64}, {4, 1024}, {16, 1000}, {4, 65536}, {2, 1 << 20}} {
		t.Run(fmt.Sprintf("%d workers, blobs of %d", c.workers, c.blob), func(t *testing.T) {
			t.Parallel()
			p := openPort(t, c.blob, processtest.Lines(1, 200, 100, 3000))
			p.hire(c.workers, original.Worker{}) // they wait for a coordinator
			p.exact(p.coordinator(serves))
		})
	}
}

// Promise: native workers and original ones share a job, and a worker of ours may speak the original protocol.
func TestOriginalAndNativeWorkersShareAJob(t *testing.T) {
	t.Parallel()
	p := openPort(t, 256, processtest.Lines(2, 400, 100, 3000))
	begun := make(chan struct{})
	once := sync.OnceFunc(func() { close(begun) })
	wait := make(chan struct{})
	p.hire(2, original.Worker{Heard: func(string) { once(); <-wait }})
	c := p.coordinator(serves)
	<-begun
	p.NativeWorker(p.store(), 1)
	_, number, _ := net.SplitHostPort(p.addr)
	tcp := p.OriginalWorker("--id", "9", "--hostname", "127.0.0.1", "--port", number)
	close(wait)
	p.exact(c)
	tcp.Kill()
}

// Promise: a worker that dies, again and again, costs nothing but time.
func TestOriginalWorkersThatDieChangeNothing(t *testing.T) {
	t.Parallel()
	p := openPort(t, 512, processtest.Lines(3, 500, 100, 3000))
	c := p.coordinator(serves)
	var mu sync.Mutex
	luck := rand.New(rand.NewPCG(3, 3))
	p.hire(4, original.Worker{Lie: func(_ string, reply []byte) ([]byte, bool) {
		mu.Lock()
		defer mu.Unlock()
		switch luck.IntN(100) {
		case 0:
			return nil, false // before it replies
		case 1:
			return reply[:len(reply)/2], false // in the middle
		case 2:
			return reply, false // behind it
		}
		return reply, true
	}})
	p.exact(c)
}

// Promise: the leader may be killed once, twice, three times; the next serves the same port, and what was done is not done again.
func TestOriginalWorkersSurviveTheirCoordinators(t *testing.T) {
	for kills := 1; kills <= 3; kills++ {
		t.Run(fmt.Sprintf("%d kills", kills), func(t *testing.T) {
			t.Parallel()
			p := openPort(t, 512, processtest.Lines(4, 300, 100, 3000))
			gate := newTurnstile(10)
			p.hire(4, original.Worker{Heard: func(task string) { gate.pass(task) }})
			all := []*processtest.Process{p.coordinator(serves)}
			for range kills {
				all = append(all, p.OneJob(p.args...))
			}
			all[0].Await(stands)
			leader := all[0]
			for range kills {
				<-gate.full
				leader.Kill()
				mark := p.Mark()
				gate.turn()
				leader = p.Await(mark, processtest.Said{Message: serves}).Process
			}
			<-gate.full
			gate.open()
			var left []*processtest.Process
			for _, c := range all {
				if !c.Ended() {
					left = append(left, c)
				}
			}
			p.exact(left...)
		})
	}
}

// turnstile lets so many map requests through, and then none until it is turned.
type turnstile struct {
	full chan struct{} // tells each time that nobody more comes through

	mu     sync.Mutex
	each   int
	left   int
	closed chan struct{} // replaced when it is turned; closed then
	wide   bool
}

func newTurnstile(each int) *turnstile {
	return &turnstile{full: make(chan struct{}, 16), each: each, left: each, closed: make(chan struct{})}
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

// turn lets through who waits, and as many again.
func (s *turnstile) turn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.closed)
	s.closed, s.left = make(chan struct{}), s.each
}

// open lets everybody through from now on.
func (s *turnstile) open() {
	s.mu.Lock()
	s.wide = true
	s.mu.Unlock()
	s.turn()
}

// Promise: an original backup gets updates from which it goes on rightly when all of ours are gone.
func TestOriginalBackupTakesOverFromAnUpdate(t *testing.T) {
	t.Parallel()
	const blob = 1024
	p := openPort(t, blob, processtest.Lines(5, 300, 100, 3000))
	gate := newTurnstile(60) // blobs, of 16 a split: one worker does them in their order
	p.hire(1, original.Worker{Heard: func(task string) { gate.pass(task) }})
	c := p.coordinator(serves)
	updated := make(chan struct{}, 1)
	backup := &original.Backup{Addr: p.addr, Announce: "127.0.0.1:1", Updated: func(index int, _ []original.Histogram) {
		select {
		case updated <- struct{}{}:
		default:
		}
	}}
	gone := make(chan error, 1)
	go func() { gone <- backup.Run(t.Context()) }()
	<-updated
	c.Kill()
	gate.open()
	if err := <-gone; err != nil {
		t.Fatal(err)
	}
	index, _ := backup.Latest()
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := backup.TakeOver(t.Context(), listener, []byte(strings.Join(p.lines, "")), blob)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the backup went on from blob %d", index)
	checkCounts(t, counts, p.lines)
}

func checkCounts(t *testing.T, counts map[string]int64, lines []string) {
	t.Helper()
	want := map[string]int64{}
	for _, line := range lines {
		for _, word := range strings.Fields(line) {
			want[word]++
		}
	}
	if len(counts) != len(want) {
		t.Errorf("%d words, want %d", len(counts), len(want))
	}
	for word, n := range want {
		if counts[word] != n {
			t.Fatalf("%s: %d, want %d", word, counts[word], n)
		}
	}
}

// Promise: whoever holds the port serves. If that is an original, and nobody else is left, ours says so and leaves the result alone.
func TestPortThatAnOriginalHoldsIsItsOwn(t *testing.T) {
	t.Parallel()
	p := openPort(t, 512, processtest.Lines(6, 300, 100, 3000))
	gate := newTurnstile(10)
	p.hire(1, original.Worker{Heard: func(task string) { gate.pass(task) }})
	leader := p.coordinator(serves)
	next := p.OneJob(p.args...)
	leader.Await(stands)
	<-gate.full
	leader.Kill()
	listener, err := net.Listen("tcp", p.addr) // before the next one does
	if err != nil {
		t.Skip("the next coordinator was faster than the original")
	}
	defer listener.Close()
	gate.open()
	if code := next.Exit(); code != 1 {
		t.Errorf("exited with %d", code)
	}
	if _, err := os.Stat(p.out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the output was touched: %v", err)
	}
}

// Promise: yesterday's result does not answer today, and is replaced.
func TestOneJobStartedAgainCountsAgain(t *testing.T) {
	t.Parallel()
	p := openPort(t, 1024, processtest.Lines(7, 30, 100, 300))
	p.hire(2, original.Worker{})
	p.exact(p.coordinator(serves))
	if err := os.WriteFile(p.out, []byte("yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.lines = processtest.Lines(8, 40, 100, 300)
	if err := os.WriteFile(p.args[1], []byte(strings.Join(p.lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	p.exact(p.coordinator(serves))
}

// reference is a text and its exact counts, which stand beside this project where it is worked on.
func reference(t *testing.T, name string) string {
	t.Helper()
	shared := filepath.Join("..", "..", "..", "shared", "data")
	text, err := filepath.Abs(filepath.Join(shared, name+".txt"))
	if err == nil {
		_, err = os.Stat(text)
	}
	if err != nil {
		t.Skipf("the reference texts are not beside this project: %v", err)
	}
	return text
}

// Promise: the reference texts are counted by original workers to the byte, however many, whatever the blobs, also beside native ones.
func TestOriginalWorkersCountTheReferenceTexts(t *testing.T) {
	for _, c := range []struct {
		name                  string
		workers, blob, native int
	}{
		{"raposa_e_as_uvas", 1, 64, 0}, {"sample", 4, 1024, 0}, {"hamlet", 1, 1024, 0}, {"hamlet", 16, 64, 0}, {"hamlet", 4, 65536, 1},
		{"lusiadas", 4, 1024, 0}, {"lusiadas", 16, 4096, 1}, {"lusiadas", 1, 65536, 0},
	} {
		t.Run(fmt.Sprintf("%s, %d workers, %d native, blobs of %d", c.name, c.workers, c.native, c.blob), func(t *testing.T) {
			t.Parallel()
			text := reference(t, c.name)
			p := openPort(t, c.blob, nil)
			p.args[1] = text
			leader := p.coordinator(serves)
			if c.native > 0 {
				p.NativeWorker(p.store(), c.native)
			}
			began := time.Now()
			p.hire(c.workers, original.Worker{})
			if code := leader.Exit(); code != 0 {
				t.Fatalf("exited with %d", code)
			}
			t.Logf("exact in %s, if nothing follows", time.Since(began).Round(time.Millisecond))
			mustEqual(t, p.out, strings.TrimSuffix(text, ".txt")+".csv")
		})
	}
}

func mustEqual(t *testing.T, got, want string) {
	t.Helper()
	have, err := os.ReadFile(got)
	if err != nil {
		t.Fatal(err)
	}
	expected, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, expected) {
		t.Errorf("%s has %d bytes and is not %s, which has %d", got, len(have), want, len(expected))
	}
}

// Promise: a backup that is started when the job is nearly done ends with it, and counts nothing again.
func TestLateBackupEndsWithTheJob(t *testing.T) {
	t.Parallel()
	p := openPort(t, 1024, processtest.Lines(9, 30, 100, 300))
	gate := newTurnstile(3)
	stop := p.hire(1, original.Worker{Heard: func(task string) { gate.pass(task) }})
	leader := p.coordinator(serves)
	<-gate.full
	late := p.OneJob(p.args...) // it has begun; whether it has seen the job unfinished is left to chance
	gate.open()
	if code := leader.Exit(); code != 0 {
		t.Errorf("%s exited with %d", leader, code)
	}
	stop() // who would count again, has nobody
	p.exact(late)
}

// Promise: who comes with another file while a job is served is told so, and changes nothing.
func TestPortThatServesAnotherFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	p := openPort(t, 1024, processtest.Lines(10, 60, 100, 300))
	gate := newTurnstile(3)
	p.hire(1, original.Worker{Heard: func(task string) { gate.pass(task) }})
	leader := p.coordinator(serves)
	<-gate.full
	other := append([]string{}, p.args...)
	other[1] = filepath.Join(p.Dir(), "other")
	if err := os.WriteFile(other[1], []byte("another text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := p.OneJob(other...).Exit(); code != 1 {
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

// Promise: original workers do not keep from native ones what they cannot do.
func TestOriginalWorkersLeaveOtherProgramsToOthers(t *testing.T) {
	t.Parallel()
	c := &cluster{Machine: processtest.NewMachine(t)}
	c.bus = c.Bus()
	addr, err := processtest.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	leader := c.Coordinator("--tcp", addr)
	leader.Await("decides")
	leader.Await(serves)
	p := &port{Machine: c.Machine, t: t, addr: addr}
	t.Cleanup(p.crew.Wait)
	p.hire(8, original.Worker{})
	for range 8 {
		leader.Await("worker registered")
	}
	lines := processtest.Lines(12, 40, 10, 100)
	inputs := processtest.WriteLines(t, lines)
	alone := c.Submit(mapreduce.Job{ID: "alone", Program: "wordcount", Inputs: inputs, SplitSize: 1})
	checkResult(t, c.Machine, alone.Done(), processtest.Count(lines)) // they are enough
	c.Worker(1)
	c.Submit(mapreduce.Job{ID: "count", Program: "count", Inputs: inputs, SplitSize: 1}).Done()
	run := c.Submit(mapreduce.Job{ID: "words", Program: "wordcount", Inputs: inputs, SplitSize: 1})
	checkResult(t, c.Machine, run.Done(), processtest.Count(lines))
}
