package processtest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"jetreduce/bus"
)

// Limit is how long a test waits for one thing: on a loaded machine, under the race detector.
const Limit = time.Minute

// Machine is a computer of its own to the processes that it starts: with a home, a store, an address for the bus.
type Machine struct {
	// Hosting: coordinators are told no server, and host the bus themselves. Else there is a `jetreduce bus`.
	Hosting bool

	t    testing.TB
	home *Home
	addr string

	mu        sync.Mutex
	lines     []Line
	changed   chan struct{} // closed when there are more lines
	processes []*Process

	session *session // nil: nobody has connected
}

// NewMachine makes a machine on which nothing runs yet. What runs on it at the end of the test is killed; a process that
// has ended by itself before, a data race or a panic in one fails the test.
func NewMachine(t testing.TB) *Machine {
	t.Helper()
	m := &Machine{t: t, changed: make(chan struct{})}
	var err error
	if m.home, err = NewHome(t.TempDir()); err == nil {
		m.addr, err = FreeAddr()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	return m
}

// URL is where the bus of this machine is reached.
func (m *Machine) URL() string { return "nats://" + m.addr }

// Dir is a directory for the test's own files.
func (m *Machine) Dir() string { return m.home.Dir }

// Bus starts the bus, and waits until it serves.
func (m *Machine) Bus() *Process {
	m.t.Helper()
	p := m.start("bus", nil, "bus", "--addr", m.addr, "--log", "json")
	p.Await("hosting the bus")
	return p
}

// Coordinator starts a coordinator.
func (m *Machine) Coordinator(args ...string) *Process {
	m.t.Helper()
	return m.coordinate("coordinator", args)
}

// Backup starts a coordinator that leaves the first election to others.
func (m *Machine) Backup(args ...string) *Process {
	m.t.Helper()
	return m.coordinate("backup", args)
}

func (m *Machine) coordinate(command string, args []string) *Process {
	m.t.Helper()
	if m.Hosting {
		return m.start(command, nil, append([]string{command, "--addr", m.addr, "--log", "json"}, args...)...)
	}
	return m.start(command, m.server(), append([]string{command, "--log", "json"}, args...)...)
}

// OneJob starts a coordinator of the original kind, for one file and one port.
func (m *Machine) OneJob(args ...string) *Process {
	m.t.Helper()
	return m.start("coordinator", nil, append([]string{"coordinator", "--log", "json"}, args...)...)
}

// Store is where processes keep the bus that they host.
func (m *Machine) Store() string { return filepath.Join(m.home.Dir, "store") }

// NativeWorker starts a worker at the bus that serves a store, and waits until it works.
func (m *Machine) NativeWorker(store string, slots int) *Process {
	m.t.Helper()
	url, err := bus.BusAddress(store)
	if err != nil {
		m.t.Fatal(err)
	}
	p := m.start("worker", []string{"NATS_URL=" + url}, "worker", "--log", "json", "--slots", strconv.Itoa(slots), "--scratch", m.home.Scratch())
	p.Await("works")
	return p
}

// Worker starts a worker of so many slots, and waits until it works.
func (m *Machine) Worker(slots int, args ...string) *Process {
	m.t.Helper()
	args = append([]string{
		"worker", "--log", "json", "--slots", strconv.Itoa(slots), "--scratch", m.home.Scratch(),
	}, args...)
	p := m.start("worker", m.server(), args...)
	p.Await("works")
	return p
}

// Command starts a command that uses the bus as its server.
func (m *Machine) Command(args ...string) *Process {
	m.t.Helper()
	return m.start(args[0], m.server(), args...)
}

func (m *Machine) server() []string { return []string{"NATS_URL=" + m.URL()} }

// start starts a process.
func (m *Machine) start(kind string, env []string, args ...string) *Process {
	m.t.Helper()
	cmd, err := m.home.Command(env, args...)
	if err != nil {
		m.t.Fatal(err)
	}
	p := &Process{machine: m}
	if p.Child, err = StartChild(kind, cmd, func(line []byte) { m.hear(p, line) }); err != nil {
		m.t.Fatal(err)
	}
	m.processes = append(m.processes, p)
	return p
}

// KillAll kills all that runs, at once.
func (m *Machine) KillAll() {
	m.t.Helper()
	for _, p := range m.processes {
		p.expected = true
		_ = p.cmd.Process.Kill() // one that has ended is none to kill
	}
	for _, p := range m.processes {
		p.awaitEnd()
	}
}

func (m *Machine) close() {
	if m.session != nil {
		m.session.close()
	}
	for _, p := range m.processes {
		if p.Ended() && !p.expected {
			m.t.Errorf("%s has ended by itself: %v", p, p.Ending())
		}
	}
	m.KillAll()
	m.home.Close()
	m.inspect()
	if m.t.Failed() {
		m.print()
	}
}

// inspect looks for words that no process may ever say.
func (m *Machine) inspect() {
	for _, line := range m.Lines() {
		for _, bad := range []string{"WARNING: DATA RACE", "panic:", "fatal error:"} {
			if strings.HasPrefix(line.Message, bad) {
				m.t.Errorf("%s said %q", line.Process, line.Message)
			}
		}
	}
}

func (m *Machine) print() {
	lines := m.Lines()
	first := time.Now()
	if len(lines) > 0 {
		first = lines[0].At
	}
	var text strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&text, "%8.3f %s\n", line.At.Sub(first).Seconds(), line)
	}
	m.t.Logf("what the processes said:\n%s", text.String())
}

// Lines is all that was logged so far.
func (m *Machine) Lines() []Line {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.lines)
}

// OriginalWorker starts a worker that speaks the original protocol.
func (m *Machine) OriginalWorker(args ...string) *Process {
	m.t.Helper()
	p := m.start("worker", nil, append([]string{"worker", "--log", "json"}, args...)...)
	p.Await("registered")
	return p
}
