package tcp

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const idlers = 1000

// It is alone: it counts goroutines, and takes most of the files that a process may have.
func TestThousandConnectionsThatDoNotRegisterAreClosed(t *testing.T) {
	needFiles(t, 2*idlers+100)
	text, d := nasty(4000), newDriver(t)
	s := newScene(t, Config{Handshake: time.Second, Work: d.work, Blob: 100})
	s.originals(1, nil)
	expectRows(t, d.count(text, 20, 3), sequential(text))
	lives := goleak.IgnoreCurrent()
	all := s.dialIdlers()
	expectRows(t, d.count(text, 20, 3), sequential(text))
	for _, r := range all {
		r.expectEnd()
	}
	s.log.await(t, `msg="connection closed"`, idlers)
	s.awaitConns(1)
	goleak.VerifyNone(t, lives)
	s.expectIdlersSaid()
	if failed := d.errors(); len(failed) > 0 || strings.Contains(s.log.String(), "worker gone") {
		t.Errorf("the worker did not go on: %v", failed)
	}
}

// needFiles skips a test where a process may not have so many open files.
func needFiles(t *testing.T, files uint64) {
	t.Helper()
	var open syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &open); err != nil || open.Cur < files {
		t.Skipf("it needs %d open files, and %d are allowed (%v): ulimit -n", files, open.Cur, err)
	}
}

// dialIdlers connects many, of which every other says something that is no registration.
func (s *scene) dialIdlers() (all []*raw) {
	s.t.Helper()
	for i := range idlers {
		r := s.dial()
		if i%2 == 0 {
			_, _ = r.Write([]byte(`{"task":`)) // which may come too late
		}
		all = append(all, r)
	}
	return all
}

// expectIdlersSaid is that the log tells each of them, and what it has said.
func (s *scene) expectIdlersSaid() {
	s.t.Helper()
	log := s.log.String()
	if n := strings.Count(log, "level=INFO msg=\"connection closed\""); n != idlers {
		s.t.Errorf("%d connections are said to be closed", n)
	}
	for _, said := range []string{`\"\"`, `\"{\\\"task\\\":\"`} {
		if n := strings.Count(log, "did not register within 1s: it has said "+said); n < idlers/4 {
			s.t.Errorf("%d of them have said %s", n, said)
		}
	}
}

// awaitConns waits until the server has so many connections.
func (s *scene) awaitConns(want int) {
	s.t.Helper()
	count := func() int {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		return s.server.conns
	}
	look, late := time.NewTicker(time.Millisecond), time.After(limit)
	defer look.Stop()
	for count() != want {
		select {
		case <-look.C:
		case <-late:
			s.t.Fatalf("%d connections, want %d", count(), want)
		}
	}
}
