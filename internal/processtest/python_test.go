package processtest_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"jetreduce/internal/processtest"
)

// script is a process that runs a program of test/original, which does what one of the original system does, in its language.
type script struct {
	*processtest.Child
	t    *testing.T
	said chan string // lines that nobody has waited for yet
}

// launch runs a program as if it were named on the command line, and ends when standard input does: with the test process.
const launch = `
import os, runpy, sys, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(97)), daemon=True).start()
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
`

// python starts a program, which is killed when the test ends. Not to have Python is no error.
func python(t *testing.T, name string, args ...string) *script {
	t.Helper()
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	if testing.Short() {
		t.Skip("most of it is Python's work: run it without -short")
	}
	path, err := filepath.Abs(filepath.Join("..", "..", "test", "original", name))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(interpreter, append([]string{"-B", "-c", launch, path}, args...)...)
	if _, err = cmd.StdinPipe(); err != nil { // closed behind the process, or with this one
		t.Fatal(err)
	}
	s := &script{t: t, said: make(chan string, 10_000)}
	if s.Child, err = processtest.StartChild(name, cmd, func(line []byte) { s.said <- string(line) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

func (s *script) kill() {
	_ = s.Send(syscall.SIGKILL) // one that has ended is none to kill
	<-s.Over()
	if s.t.Failed() {
		for close(s.said); len(s.said) > 0; {
			s.t.Logf("%s said: %s", s, <-s.said)
		}
	}
}

// await waits until it has said a line that begins so, and returns the rest of it.
func (s *script) await(begin string) string {
	s.t.Helper()
	limit := time.After(processtest.Limit)
	for {
		select {
		case line := <-s.said:
			if rest, is := strings.CutPrefix(line, begin); is {
				return rest
			}
			s.t.Logf("%s said: %s", s, line)
		case <-limit:
			s.t.Fatalf("%s has not said %q", s, begin)
		}
	}
}

// done waits until it has ended, with 0.
func (s *script) done() {
	s.t.Helper()
	select {
	case <-s.Over():
	case <-time.After(processtest.Limit):
		s.t.Fatalf("%s does not end", s)
	}
	if code := s.Ending().ExitCode(); code != 0 {
		s.t.Fatalf("%s exited with %d", s, code)
	}
}

// relay stands between workers and the port. What it reads at once it writes at once, but each connection stops before a map
// request when it has had enough of them, until the relay is opened. A worker that nobody serves is hung up on.
type relay struct {
	listener net.Listener
	target   string
	each     int           // map requests of a connection
	full     chan struct{} // tells of each connection that has stopped
	opened   chan struct{} // closed when none stops any more
	open     func()
	running  sync.WaitGroup
}

// newRelay must be called before the workers are started: it ends when they have.
func newRelay(t *testing.T, target string, each int) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener, target: target, each: each, full: make(chan struct{}, 1000), opened: make(chan struct{})}
	r.open = sync.OnceFunc(func() { close(r.opened) })
	r.running.Go(r.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		r.open()
		r.running.Wait()
	})
	return r
}

// port is where workers connect.
func (r *relay) port() string {
	_, number, _ := net.SplitHostPort(r.listener.Addr().String())
	return number
}

func (r *relay) serve() {
	for {
		worker, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.target)
		if err != nil {
			_ = worker.Close()
			continue
		}
		end := func() { _, _ = worker.Close(), server.Close() }
		r.running.Go(func() {
			defer end()
			_, _ = io.Copy(server, worker)
		})
		r.running.Go(func() {
			defer end()
			r.pass(server, worker)
		})
	}
}

// pass brings a worker what it is told.
func (r *relay) pass(from io.Reader, to io.Writer) {
	data := make([]byte, 1<<16)
	for requests := 0; ; {
		n, err := from.Read(data)
		if err != nil {
			return
		}
		if bytes.Contains(data[:n], []byte("map_request")) {
			if requests++; requests == r.each+1 {
				r.full <- struct{}{}
				<-r.opened
			}
		}
		if _, err := to.Write(data[:n]); err != nil {
			return
		}
	}
}

// awaitFull waits until so many connections have stopped.
func (r *relay) awaitFull(t *testing.T, connections int) {
	t.Helper()
	limit := time.After(processtest.Limit)
	for n := range connections {
		select {
		case <-r.full:
		case <-limit:
			t.Fatalf("%d of %d workers are busy", n, connections)
		}
	}
}

// hirePython starts workers that reach the port by a relay.
func (p *port) hirePython(workers, each int) *relay {
	p.t.Helper()
	r := newRelay(p.t, p.addr, each)
	for i := range workers {
		python(p.t, "worker.py", "--id", strconv.Itoa(i), "--hostname", "127.0.0.1", "--port", r.port())
	}
	return r
}

// eachText runs a test with a port for a text of its own, and with ports for reference texts. Right tells whether the result is, and
// is told whether the order of the rows is to be the original's, which scripts know only where the system does.
func eachText(t *testing.T, test func(t *testing.T, p *port, right func(ordered bool))) {
	t.Run("own", func(t *testing.T) {
		t.Parallel()
		p := openPort(t, 1024, processtest.Lines(13, 200, 100, 3000))
		test(t, p, func(bool) { p.exact() })
	})
	for _, name := range []string{"hamlet", "lusiadas"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openPort(t, 1024, nil)
			p.args[1] = reference(t, name)
			want := strings.TrimSuffix(p.args[1], ".txt") + ".csv"
			test(t, p, func(ordered bool) {
				if ordered {
					mustEqual(t, p.out, want)
				} else if got, want := sortedRows(t, p.out), sortedRows(t, want); !slices.Equal(got, want) {
					t.Errorf("%d rows, which are not the %d of the reference", len(got), len(want))
				}
			})
		})
	}
}

func sortedRows(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(strings.Lines(string(data)))
}

// Promise: Python workers do not notice that the leader is killed in the middle, and the result is exact to the byte.
func TestPythonWorkersSurviveTheirCoordinator(t *testing.T) {
	eachText(t, func(t *testing.T, p *port, right func(bool)) {
		relay := p.hirePython(4, 12)
		leader := p.coordinator(serves)
		next := p.OneJob(p.args...)
		leader.Await(stands)
		relay.awaitFull(t, 4)
		leader.Kill()
		relay.open()
		next.Await(serves)
		if code := next.Exit(); code != 0 {
			t.Errorf("%s exited with %d", next, code)
		}
		right(true)
	})
}

// Promise: a worker of ours serves a coordinator in Python as one of its own would.
func TestWorkersServeAPythonCoordinator(t *testing.T) {
	eachText(t, func(t *testing.T, p *port, right func(bool)) {
		relay := newRelay(t, p.addr, 3)
		coordinator := python(t, "coordinator.py", p.args...)
		coordinator.await("serves from blob 0")
		for i := range 2 { // the first stops, so that there is work for the second
			p.OriginalWorker("--id", strconv.Itoa(i), "--hostname", "127.0.0.1", "--port", relay.port())
		}
		relay.awaitFull(t, 2)
		relay.open()
		coordinator.done()
		right(false)
	})
}

// Promise: a backup in Python goes on from what it was told, when all of ours are killed in the middle.
func TestPythonBackupTakesOverFromOurs(t *testing.T) {
	eachText(t, func(t *testing.T, p *port, right func(bool)) {
		relay := p.hirePython(4, 12)
		leader := p.coordinator(serves)
		next := p.OneJob(p.args...)
		leader.Await(stands)
		backup := python(t, "coordinator.py", p.args...)
		p.Await(0, processtest.Said{Message: stands, By: leader, Fields: map[string]string{"native": "false"}})
		relay.awaitFull(t, 4)
		backup.await("update")
		next.Kill()
		leader.Kill()
		relay.open()
		from, err := strconv.Atoi(backup.await("serves from blob "))
		if err != nil || from == 0 {
			t.Errorf("it goes on from blob %d: %v", from, err)
		}
		backup.done()
		right(false)
	})
}
