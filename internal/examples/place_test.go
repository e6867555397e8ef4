package examples_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"jetreduce/internal/processtest"
)

// patience is how long one command may take, on a loaded machine and under the race detector.
const patience = time.Minute

// place is where the examples of one document run: a directory, a home, an address for a bus.
type place struct {
	dir     string
	home    *processtest.Home
	bin     string
	project string
	addr    string
	port    string
	web     string
	env     []string
	daemons []*processtest.Child
}

// newPlace makes a place with a jetreduce on its PATH, and in its directory as ./jetreduce. All that is started there ends with
// the test.
func newPlace(t *testing.T) *place {
	t.Helper()
	top := t.TempDir()
	p := &place{dir: filepath.Join(top, "data"), bin: filepath.Join(top, "bin")}
	self, err := os.Executable()
	for _, dir := range []string{p.dir, p.bin} {
		if err == nil {
			err = os.Mkdir(dir, 0o700)
		}
		if err == nil {
			err = os.Symlink(self, filepath.Join(dir, "jetreduce"))
		}
	}
	if err == nil {
		p.home, err = processtest.NewHome(top)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.close(t) })
	p.find(t)
	return p
}

// find sets what is free on this machine, and where things stand.
func (p *place) find(t *testing.T) {
	t.Helper()
	web := httptest.NewServer(http.FileServer(http.Dir(p.dir)))
	t.Cleanup(web.Close)
	p.web = web.URL
	var err error
	if p.addr, err = processtest.FreeAddr(); err == nil {
		p.port, err = processtest.FreeAddr()
	}
	if err == nil {
		_, p.port, err = net.SplitHostPort(p.port)
	}
	if err == nil {
		p.project, err = filepath.Abs("../..")
	}
	if err != nil {
		t.Fatal(err)
	}
	p.env = append(caches(), "PATH="+p.bin+":"+os.Getenv("PATH"), "GOPROXY=off", "GOSUMDB=off", "GOFLAGS=-mod=mod")
}

// caches are those of the go command, if there is one: they stand in a home that the examples do not have.
func caches() []string {
	var env []string
	for _, name := range []string{"GOMODCACHE", "GOCACHE", "GOROOT"} {
		if value, err := exec.Command("go", "env", name).Output(); err == nil {
			env = append(env, name+"="+strings.TrimSpace(string(value)))
		}
	}
	return env
}

// close lets all end that runs there, by the pipe that it holds, and waits until it has.
func (p *place) close(t *testing.T) {
	t.Helper()
	p.home.Close()
	for _, daemon := range p.daemons {
		select {
		case <-daemon.Over():
		case <-time.After(patience):
			t.Errorf("%s does not end", daemon)
		}
	}
}

// shell is `sh -c command` at this place.
func (p *place) shell(command string) (*exec.Cmd, error) {
	cmd, err := p.home.Command(p.env)
	if err != nil {
		return nil, err
	}
	cmd.Path, cmd.Args, cmd.Dir = "/bin/sh", []string{"sh", "-c", command}, p.dir
	return cmd, nil
}

// run runs a command to its end, and returns what it printed.
func (p *place) run(ctx context.Context, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd, err := p.shell(command)
	if err != nil {
		return "", err
	}
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &words, patience // what it leaves running must not hold the test up
	if err := cmd.Start(); err != nil {
		return "", err
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })() // one that has ended is none to kill
	if err := cmd.Wait(); err != nil {
		return out.String(), fmt.Errorf("%w\n%s%s", err, out.Bytes(), words.Bytes())
	}
	return out.String(), nil
}

// ready is what a daemon logs when others can count on it.
func ready() *regexp.Regexp {
	return regexp.MustCompile(`hosting the bus|decides|stands by|works|serves original workers|registered`)
}

// watched ends a process that does not watch the pipe by itself: `mine`, of a document. exec keeps its pid.
const watched = `{ cat <&3; kill -9 $$; } >/dev/null 2>&1 & exec %s`

// start starts a daemon, and waits until it is ready.
func (p *place) start(t *testing.T, command string) {
	t.Helper()
	cmd, err := p.shell(fmt.Sprintf(watched, command))
	if err != nil {
		t.Fatal(err)
	}
	said := words{ready: make(chan struct{}), pattern: ready()}
	daemon, err := processtest.StartChild(command, cmd, said.hear)
	if err != nil {
		t.Fatal(err)
	}
	p.daemons = append(p.daemons, daemon)
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-said.ready:
	case <-daemon.Over():
		t.Fatalf("%s has ended: %v; it said\n%s", daemon, daemon.Ending(), said.all())
	case <-limit.C:
		t.Fatalf("%s is not ready; it said\n%s", daemon, said.all())
	}
}

// words are what a daemon says.
type words struct {
	pattern *regexp.Regexp
	ready   chan struct{} // closed when a line matches

	mu    sync.Mutex
	text  strings.Builder
	found bool
}

func (w *words) hear(line []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(&w.text, "%s\n", line)
	if !w.found && w.pattern.Match(line) {
		w.found = true
		close(w.ready)
	}
}

func (w *words) all() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
