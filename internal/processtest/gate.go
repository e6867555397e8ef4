package processtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// Gate is where attempts of gated programs wait until the test lets them go on. It is a directory, so that it works
// between processes and survives them all:
//
//	ran                 a line for each attempt that has begun: phase, name, pid
//	open-PHASE          there: every attempt of the phase may pass
//	open-PHASE-NAME     there: those of this task may
//
// The name of a map is the base name of its input, of a reduce its first key.
type Gate struct {
	t   testing.TB
	dir string
}

// NewGate makes a gate that is closed.
func NewGate(t testing.TB) *Gate { return &Gate{t, t.TempDir()} }

// Args are the arguments of a job whose attempts shall wait at this gate.
func (g *Gate) Args() map[string]string { return map[string]string{"gate": g.dir} }

// Open lets all attempts of a phase pass, or those of the tasks named.
func (g *Gate) Open(phase mapreduce.Phase, names ...string) {
	g.t.Helper()
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		if err := os.WriteFile(passFile(g.dir, phase, name), nil, 0o600); err != nil {
			g.t.Fatal(err)
		}
	}
}

func passFile(dir string, phase mapreduce.Phase, name string) string {
	file := "open-" + string(phase)
	if name != "" {
		file += "-" + name
	}
	return filepath.Join(dir, file)
}

// Began is an attempt that has begun.
type Began struct {
	Phase mapreduce.Phase
	Name  string
	Pid   int
}

// Ran is the attempts that have begun so far.
func (g *Gate) Ran() []Began {
	g.t.Helper()
	all, err := ReadBegan(g.dir)
	if err != nil {
		g.t.Fatal(err)
	}
	return all
}

// ReadBegan is the attempts that have begun so far at the gate that is a directory.
func ReadBegan(dir string) (all []Began, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "ran"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		var b Began
		if _, err := fmt.Sscan(line, &b.Phase, &b.Name, &b.Pid); err != nil {
			return nil, fmt.Errorf("line %q of %s: %w", line, dir, err)
		}
		all = append(all, b)
	}
	return all, nil
}

// Times is how often each task of a phase has begun, by name.
func (g *Gate) Times(phase mapreduce.Phase) map[string]int {
	g.t.Helper()
	times := map[string]int{}
	for _, b := range g.Ran() {
		if b.Phase == phase {
			times[b.Name]++
		}
	}
	return times
}

// AwaitAttempts waits until so many attempts of a phase have begun in a process (nil: in any), and returns these.
func (g *Gate) AwaitAttempts(phase mapreduce.Phase, n int, in *Process) []Began {
	g.t.Helper()
	var found []Began
	g.await(fmt.Sprintf("%d attempts of %s in %v", n, phase, in), func() bool {
		found = found[:0]
		for _, b := range g.Ran() {
			if b.Phase == phase && (in == nil || b.Pid == in.Pid()) {
				found = append(found, b)
			}
		}
		return len(found) >= n
	})
	return found
}

func (g *Gate) await(what string, is func() bool) {
	g.t.Helper()
	AwaitTrue(g.t, what, is)
}

// AwaitTrue waits until something that has no event is true.
func AwaitTrue(t testing.TB, what string, is func() bool) {
	t.Helper()
	ticker, limit := time.NewTicker(5*time.Millisecond), time.NewTimer(Limit)
	defer ticker.Stop()
	defer limit.Stop()
	for !is() {
		select {
		case <-ticker.C:
		case <-limit.C:
			t.Fatalf("in vain waited for %s", what)
		}
	}
}
