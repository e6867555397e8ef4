package processtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Line is a line that a process wrote to standard error.
type Line struct {
	Process *Process
	At      time.Time // when it was read
	Message string    // of a record; of what is none, the whole line
	Fields  map[string]any
}

// String shows who said what.
func (l Line) String() string {
	var fields []string
	for _, key := range slices.Sorted(maps.Keys(l.Fields)) {
		fields = append(fields, fmt.Sprintf("%s=%v", key, l.Fields[key]))
	}
	return fmt.Sprintf("%s %s %s", l.Process, l.Message, strings.Join(fields, " "))
}

// Said is what a test waits for: lines to which all of it applies.
type Said struct {
	Message string
	By      *Process          // nil: by anyone
	Fields  map[string]string // as %v prints them
}

func (s Said) is(line Line) bool {
	if line.Message != s.Message || s.By != nil && line.Process != s.By {
		return false
	}
	for key, value := range s.Fields {
		if fmt.Sprint(line.Fields[key]) != value {
			return false
		}
	}
	return true
}

// hear keeps a line that a process has written.
func (m *Machine) hear(p *Process, text []byte) {
	line := Line{Process: p, At: time.Now()}
	line.Message, line.Fields = ParseRecord(text)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = append(m.lines, line)
	close(m.changed)
	m.changed = make(chan struct{})
}

// Mark is how many lines were logged so far.
func (m *Machine) Mark() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.lines)
}

// Find returns the first such line after a mark.
func (m *Machine) Find(mark int, said Said) (Line, bool) {
	line, _, found := m.find(mark, said)
	return line, found
}

func (m *Machine) find(mark int, said Said) (Line, <-chan struct{}, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range m.lines[mark:] {
		if said.is(line) {
			return line, nil, true
		}
	}
	return Line{}, m.changed, false
}

// Await waits for the first such line after a mark. The processes that might say it must live.
func (m *Machine) Await(mark int, said Said) Line {
	m.t.Helper()
	limit := time.NewTimer(Limit)
	defer limit.Stop()
	for {
		line, changed, found := m.find(mark, said)
		if found {
			return line
		}
		select {
		case <-changed:
		case <-m.deathOf(said.By):
			if line, _, found = m.find(mark, said); found {
				return line
			}
			m.t.Fatalf("%s has ended and never said %q", said.By, said.Message)
		case <-limit.C:
			m.t.Fatalf("nobody has said %+v", said)
		}
	}
}

func (m *Machine) deathOf(p *Process) <-chan struct{} {
	if p == nil {
		return nil
	}
	return p.over
}
