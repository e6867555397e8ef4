package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// child is a jetreduce process with the programs of the bench, started as `jetreduce bench child USAGE ARG...`. It ends when
// its standard input does: when it is told to stop, and when this process dies.
type child struct {
	name  string
	usage string // the file in which it says, at its end, what it took
	cmd   *exec.Cmd
	stdin io.Closer
	over  chan struct{} // closed when it has ended
	err   error         // how; to be read then

	mu      sync.Mutex
	said    map[string]record // by message, the first
	changed chan struct{}     // closed when more was said
	rest    []byte            // of a line that is not whole yet
	last    []byte            // line
}

// record is a line of its log.
type record struct {
	at     time.Time // when it was heard
	fields map[string]any
}

// start starts a child, whose working directory is the work directory.
func (s *Stage) start(name string, args ...string) (*child, error) {
	c := &child{
		name: name, usage: s.in(name + ".usage"), over: make(chan struct{}), said: map[string]record{}, changed: make(chan struct{}),
	}
	c.cmd = exec.Command(s.Self, append([]string{"bench", "child", c.usage}, args...)...)
	c.cmd.Dir, c.cmd.Env, c.cmd.Stderr = s.work, s.env(), c
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(c.over)
		if err := c.cmd.Wait(); err != nil {
			c.err = fmt.Errorf("%s: %w: %s", c.name, err, c.last)
		}
	}()
	return c, nil
}

// Write hears its standard error: a line of JSON each, from daemons.
func (c *child) Write(data []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rest = append(c.rest, data...)
	for {
		line, rest, whole := bytes.Cut(c.rest, []byte("\n"))
		if !whole {
			return len(data), nil
		}
		c.hear(bytes.Clone(line))
		c.rest = rest
	}
}

func (c *child) hear(line []byte) {
	c.last = line
	r := record{at: time.Now()}
	if json.Unmarshal(line, &r.fields) != nil {
		return
	}
	message, _ := r.fields["msg"].(string)
	if _, known := c.said[message]; !known {
		c.said[message] = r
		close(c.changed)
		c.changed = make(chan struct{})
	}
}

// childLimit is how long a daemon may take to begin, and to end.
const childLimit = time.Minute

// await waits until it says something for the first time.
func (c *child) await(ctx context.Context, message string) (record, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, childLimit, fmt.Errorf("not within %s", childLimit))
	defer cancel()
	for {
		c.mu.Lock()
		r, heard := c.said[message]
		changed := c.changed
		c.mu.Unlock()
		if heard {
			return r, nil
		}
		select {
		case <-changed:
		case <-c.over:
			return r, errors.Join(fmt.Errorf("%s has ended, and did not say %q", c.name, message), c.err)
		case <-ctx.Done():
			return r, fmt.Errorf("wait for %s to say %q: %w", c.name, message, context.Cause(ctx))
		}
	}
}

// wait waits until it has ended by itself, and returns what it took.
func (c *child) wait(ctx context.Context) (Usage, error) {
	select {
	case <-c.over:
	case <-ctx.Done():
		c.kill()
		return Usage{}, context.Cause(ctx)
	}
	if c.err != nil {
		return Usage{}, c.err
	}
	return readUsage(c.usage)
}

// stop tells it to stop, and waits until it has.
func (c *child) stop() (Usage, error) {
	_ = c.stdin.Close() // one that has ended has stopped
	ctx, cancel := context.WithTimeoutCause(context.Background(), childLimit, fmt.Errorf("%s did not stop within %s", c.name, childLimit))
	defer cancel()
	return c.wait(ctx)
}

// kill ends it at once.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.over
}
