package chaos

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"jetreduce/internal/processtest"
	"jetreduce/internal/proxy"
)

// member is a part of the system, in all the lives of its process.
type member struct {
	name    string
	role    role
	command func() (*exec.Cmd, error)
	proxies []*proxy.Proxy // between it and the bus; none: there is no cable to cut
	journal *journal
	said    func(m *member, message string) // is told each line of its log

	life   *life // nil: it was never started
	paused bool
	cut    bool

	mu  sync.Mutex
	log *os.File
}

// role is what a member is for.
type role string

const (
	busServer   role = "bus"
	coordinator role = "coordinator"
	worker      role = "worker"
)

// life is one process of a member.
type life struct {
	*processtest.Child
	expected atomic.Bool // that it ends
	spoke    atomic.Bool // it has said something, so that it can be told to stop
	told     time.Time   // to stop; zero: it was not
	watched  chan struct{}
}

func (m *member) open(dir string) (err error) {
	m.log, err = os.Create(filepath.Join(dir, m.name+".log"))
	return err
}

// start begins another life.
func (m *member) start() error {
	cmd, err := m.command()
	if err != nil {
		return err
	}
	l := &life{watched: make(chan struct{})}
	l.Child, err = processtest.StartChild(m.name, cmd, func(line []byte) {
		l.spoke.Store(true)
		m.hear(line)
	})
	if err != nil {
		return err
	}
	m.life, m.paused = l, false
	go m.watch(l)
	return nil
}

// hear keeps what the process says, and looks for words that none may ever say.
func (m *member) hear(line []byte) {
	m.mu.Lock()
	fmt.Fprintf(m.log, "%8.3f %s\n", m.journal.elapsed().Seconds(), line)
	m.mu.Unlock()
	for _, bad := range []string{"WARNING: DATA RACE", "panic:", "fatal error:"} {
		if bytes.HasPrefix(line, []byte(bad)) {
			m.journal.complain("%s said %q", m.name, line)
		}
	}
	message, _ := processtest.ParseRecord(line)
	m.said(m, message)
}

// watch notices a life that ends without having been told to, or not as it should.
func (m *member) watch(l *life) {
	defer close(l.watched)
	<-l.Over()
	if !l.expected.Load() {
		m.journal.complain("%s has ended by itself: %s", l, l.Ending())
	}
}

// lives reports whether its process runs, and is not on its way out.
func (m *member) lives() bool {
	return m.life != nil && !m.life.Ended() && m.life.told.IsZero()
}

// well reports whether it can do its work as far as anyone knows.
func (m *member) well() bool { return m.lives() && !m.paused && !m.cut }

// kill ends its process (SIGKILL), in whatever state it is.
func (m *member) kill() {
	if m.life == nil {
		return
	}
	m.life.expected.Store(true)
	_ = m.life.Send(syscall.SIGKILL) // one that has ended is none to kill
	<-m.life.watched
}

// pause stops its process (SIGSTOP).
func (m *member) pause() {
	if m.life.Send(syscall.SIGSTOP) == nil {
		m.paused = true
	}
}

// resume lets it go on.
func (m *member) resume() {
	if m.paused {
		_ = m.life.Send(syscall.SIGCONT) // one that was killed meanwhile needs none
	}
	m.paused = false
}

// tell tells its process to stop (SIGTERM).
func (m *member) tell() {
	m.life.expected.Store(true)
	m.life.told = time.Now()
	_ = m.life.Send(syscall.SIGTERM) // one that has ended has stopped
}

// stopLimit is how long a process may take to stop, on a loaded machine.
const stopLimit = 20 * time.Second

// stopped reports whether a process that was told to stop has ended, and complains when it did not end well.
func (m *member) stopped() bool {
	l := m.life
	if !l.Ended() {
		if time.Since(l.told) < stopLimit {
			return false
		}
		m.journal.complain("%s was told to stop and goes on for %s", l, stopLimit)
		m.kill()
		return true
	}
	<-l.watched
	if !l.told.IsZero() && !l.endedWell() {
		m.journal.complain("%s was told to stop and has ended with: %s", l, l.Ending())
	}
	return true
}

// endedWell reports whether a life that was told to stop has ended as it should: with 0, unless it was killed meanwhile or
// told in its first moments, when no process listens yet.
func (l *life) endedWell() bool {
	status, is := l.Ending().Sys().(syscall.WaitStatus)
	if is && status.Signaled() {
		return status.Signal() == syscall.SIGKILL || status.Signal() == syscall.SIGTERM && !l.spoke.Load()
	}
	return l.Ending().ExitCode() == 0
}

// sever cuts it off from the bus, and mend undoes that.
func (m *member) sever(how Kind) {
	for _, p := range m.proxies {
		switch how {
		case Cut:
			p.Cut()
		case CutAnswers:
			p.CutAnswers()
		case Sever:
			p.Sever()
		}
	}
	m.cut = true
}

func (m *member) mend() {
	for _, p := range m.proxies {
		p.Heal()
	}
	m.cut = false
}

func (m *member) close() {
	m.kill()
	for _, p := range m.proxies {
		p.Close()
	}
	_ = m.log.Close()
}
