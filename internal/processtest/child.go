package processtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
)

// Child is a process that this one has started: what a Process is without a test.
type Child struct {
	kind  string
	cmd   *exec.Cmd
	out   bytes.Buffer // standard output; whole when the process has ended
	words words        // standard error
	over  chan struct{}
}

// StartChild starts a process. It calls hear with each line of its standard error, one at a time, which is valid for that
// call.
func StartChild(kind string, cmd *exec.Cmd, hear func(line []byte)) (*Child, error) {
	c := &Child{kind: kind, cmd: cmd, over: make(chan struct{})}
	c.words.hear = hear
	cmd.Stdout, cmd.Stderr = &c.out, &c.words
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", kind, err)
	}
	go func() {
		_ = cmd.Wait() // what there is to know is in cmd.ProcessState
		close(c.over)
	}()
	return c, nil
}

// String is its kind and pid.
func (c *Child) String() string { return fmt.Sprintf("%s[%d]", c.kind, c.Pid()) }

// Pid is its process id.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Over is closed when it has ended.
func (c *Child) Over() <-chan struct{} { return c.over }

// Ended reports whether it has ended.
func (c *Child) Ended() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

// Send sends it a signal. One that has ended is an error, whoever has its pid now.
func (c *Child) Send(s os.Signal) error {
	if err := c.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("send %s to %s: %w", s, c, err)
	}
	return nil
}

// Ending is how it has ended; nil: it has not.
func (c *Child) Ending() *os.ProcessState {
	if !c.Ended() {
		return nil
	}
	return c.cmd.ProcessState
}

// Said is what it wrote to standard output. It must have ended.
func (c *Child) Said() []byte { return c.out.Bytes() }

// moves reports whether one of a process's threads may still be running. Where there is no /proc that is not known.
func moves(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	return slices.ContainsFunc(threads, func(thread string) bool {
		stat, err := os.ReadFile(thread)
		_, state, found := bytes.Cut(stat, []byte(") ")) // behind the name, which may hold anything else
		return err == nil && found && state[0] != 'T'
	})
}

// words splits what a process says into lines.
type words struct {
	hear func(line []byte)
	mu   sync.Mutex
	rest []byte
}

func (w *words) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, data...)
	for {
		line, rest, whole := bytes.Cut(w.rest, []byte("\n"))
		if !whole {
			return len(data), nil
		}
		w.hear(line)
		w.rest = rest
	}
}

// ParseRecord is the message of a line of log, and its fields; of a line that is none, the line.
func ParseRecord(line []byte) (message string, fields map[string]any) {
	if json.Unmarshal(line, &fields) != nil {
		return string(line), nil
	}
	message, _ = fields["msg"].(string)
	delete(fields, "msg")
	delete(fields, "time")
	return message, fields
}
