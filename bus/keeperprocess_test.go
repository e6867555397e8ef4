package bus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"jetreduce/bus"
)

// words collects what is logged, for tests to wait for.
type words struct {
	mu      sync.Mutex
	rest    []byte
	records []map[string]any
	changed chan struct{}
}

func newWords() *words { return &words{changed: make(chan struct{})} }

func (w *words) log() *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		line, rest, whole := bytes.Cut(w.rest, []byte("\n"))
		if !whole {
			break
		}
		record := map[string]any{"msg": string(line)} // what is no record, such as a panic, is its own message
		_ = json.Unmarshal(line, &record)
		w.records, w.rest = append(w.records, record), rest
	}
	close(w.changed)
	w.changed = make(chan struct{})
	return len(p), nil
}

// count returns how often a message was logged.
func (w *words) count(message string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, r := range w.records {
		if r["msg"] == message {
			n++
		}
	}
	return n
}

// await waits until a message has been logged n times.
func (w *words) await(ctx context.Context, t *testing.T, message string, n int) {
	t.Helper()
	for {
		w.mu.Lock()
		changed := w.changed
		w.mu.Unlock()
		if w.count(message) >= n {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%q was not said %d times, but %v", message, n, w.records)
		}
	}
}

// Messages of the keeper.
const (
	hosting  = "hosting the bus"
	member   = "using the bus of another process"
	guest    = "using a nats-server that was there before"
	noAnswer = "bus host does not answer: everything waits for it"
	answers  = "bus host answers again"
	fenced   = "fenced the bus host: it did not answer"
)

const keeperVariable = "JETREDUCE_TEST_KEEPER"

// keep is the keeper process: it lives until its standard input ends, which the death of the test does too.
func keep(config string) int {
	var c bus.KeeperConfig
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		fmt.Println(err)
		return 2
	}
	c.Log = slog.New(slog.NewJSONHandler(os.Stdout, nil))
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if err := bus.NewKeeper(c).Run(ctx); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// process is a keeper in a process of its own.
type process struct {
	*words
	cmd  *exec.Cmd
	stop io.Closer
	once sync.Once
	err  error
}

func startProcess(t *testing.T, c bus.KeeperConfig) *process {
	t.Helper()
	config, err := json.Marshal(struct{ Store, Addr string }{c.Store, c.Addr})
	if err != nil {
		t.Fatal(err)
	}
	p := &process{words: newWords(), cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), keeperVariable+"="+string(config))
	p.cmd.Stdout, p.cmd.Stderr = p.words, p.words
	if p.stop, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.kill() })
	return p
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// kill kills the process with SIGKILL, and returns how it ended.
func (p *process) kill() error {
	_ = p.cmd.Process.Kill()
	return p.wait()
}

// end asks the process to end, and returns how it did.
func (p *process) end() error {
	_ = p.stop.Close()
	return p.wait()
}

func (p *process) wait() error {
	p.once.Do(func() { p.err = p.cmd.Wait() })
	return p.err
}

// running is a keeper in this process.
type running struct {
	*bus.Keeper
	*words
	stop func()
	done chan struct{}
	err  error
}

func runKeeper(ctx context.Context, t *testing.T, c bus.KeeperConfig) *running {
	t.Helper()
	r := &running{words: newWords(), done: make(chan struct{})}
	c.Log = r.log()
	r.Keeper = bus.NewKeeper(c)
	ctx, r.stop = context.WithCancel(ctx)
	go func() {
		defer close(r.done)
		r.err = r.Run(ctx)
	}()
	t.Cleanup(func() { _ = r.end() })
	return r
}

// end stops the keeper, and returns what it returned.
func (r *running) end() error {
	r.stop()
	<-r.done
	return r.err
}

// failed waits for the keeper to give up, and checks that its error holds some words.
func (r *running) failed(ctx context.Context, t *testing.T, says ...string) {
	t.Helper()
	select {
	case <-r.done:
		mustSay(t, r.err, says...)
	case <-ctx.Done():
		t.Fatalf("the keeper does not give up; it says %v", r.records)
	}
}

// mustSay checks that an error holds some words.
func mustSay(t *testing.T, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error; it should say %q", says)
		return
	}
	for _, word := range says {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}
