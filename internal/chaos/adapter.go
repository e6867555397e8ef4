package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	prose "jetreduce/internal/bench"
	"jetreduce/internal/processtest"
)

// adapterWorkers is how many workers of the original kind there are.
const adapterWorkers = 4

// adapterText takes these workers about 20 s on two cores, less with small blobs than with large ones.
var adapterText = prose.Text{Bytes: 16_000_000, Distinct: 20_000}

// adapterLimit is how long a job may take on a slow machine.
const adapterLimit = 10 * time.Minute

// adapterBlobs is how many characters a worker is given at a time: the least that is usual, and the most.
var adapterBlobs = []int{1024, 65536}

// adapter has the words of a text counted by workers of the original kind, which are programs in Python, and writes what share of the
// processor time the coordinator has that serves them. Its bus is in its process. A result that is not exact is an error.
func adapter(ctx context.Context, c RecoveryConfig) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return fmt.Errorf("workers of the original kind need Python: install python3: %w", err)
	}
	script, err := inModule(filepath.Join("test", "original", "worker.py"))
	if err != nil {
		return err
	}
	return inDirectory(func(dir string) error {
		text := filepath.Join(dir, "text")
		if err := writeProse(text, adapterText); err != nil {
			return err
		}
		want, err := countProse(text)
		for _, blob := range adapterBlobs {
			if err == nil {
				p := &pier{blob: blob, text: text, dir: filepath.Join(dir, strconv.Itoa(blob)), worker: []string{python, "-B", script}}
				err = p.measure(ctx, c, want)
			}
		}
		return err
	})
}

// inModule is the path of a file of this module, of which the working directory must be a part.
func inModule(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			path := filepath.Join(dir, name)
			_, err = os.Stat(path)
			return path, err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod here or above, and so no %s: run it inside the module", name)
		}
	}
}

func writeProse(path string, text prose.Text) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = text.WriteTo(file)
	return errors.Join(err, file.Close())
}

// countProse is what must come out: with words of a to z alone, the original's order is that of the bytes.
func countProse(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rows := countWords(bytes.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '\n' || r >= 'a' && r <= 'z':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, text))
	return bytes.ReplaceAll(bytes.ReplaceAll(rows, []byte("\t"), []byte(",")), []byte("\n"), []byte("\r\n")), nil
}

// pier is a port at which workers of the original kind are served, once.
type pier struct {
	*cluster
	dir, text string
	blob      int
	worker    []string // the command, to which flags are added
}

func (p *pier) out() string { return filepath.Join(p.dir, "out.csv") }

// open makes the directory, and the processes, none of which runs yet.
func (p *pier) open() error {
	if err := os.MkdirAll(filepath.Join(p.dir, "logs"), 0o700); err != nil {
		return err
	}
	home, err := processtest.NewHome(p.dir)
	if err != nil {
		return err
	}
	j, err := newJournal(p.dir)
	p.cluster = &cluster{home: home, journal: j, said: map[string]said{}, changed: make(chan struct{})}
	if err != nil {
		return err
	}
	addr, err := processtest.FreeAddr()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(addr)
	return p.addAll(port)
}

func (p *pier) addAll(port string) error {
	err := p.add(&member{name: "coordinator", role: coordinator, command: func() (*exec.Cmd, error) {
		return p.home.Command(nil, "coordinator", "--log", "json", "-f", p.text, "-o", p.out(), "-b", strconv.Itoa(p.blob), "-p", port)
	}})
	for i := range adapterWorkers {
		args := append(slices.Clone(p.worker[1:]), "--id", strconv.Itoa(i), "--hostname", "127.0.0.1", "--port", port)
		err = errors.Join(err, p.add(&member{name: fmt.Sprintf("worker-%d", i+1), role: worker, command: func() (*exec.Cmd, error) {
			return exec.Command(p.worker[0], args...), nil
		}}))
	}
	return err
}

func (p *pier) close() {
	if p.cluster != nil {
		p.cluster.close()
		p.journal.close()
	}
}

// serves is what a coordinator says when workers of the original kind may come.
const serves = "serves original workers"

// measure runs the job, and writes what it took.
func (p *pier) measure(ctx context.Context, c RecoveryConfig, want []byte) error {
	defer p.close()
	if err := p.open(); err != nil {
		return err
	}
	took, err := p.run(ctx)
	if err != nil {
		return fmt.Errorf("blobs of %d: %w", p.blob, err)
	}
	if wrong, err := differ(p.out(), want); err != nil || wrong != "" {
		return errors.Join(fmt.Errorf("blobs of %d: the result is not exact: %s", p.blob, wrong), err)
	}
	used := map[role]time.Duration{}
	for _, m := range p.members {
		end := m.life.Ending()
		used[m.role] += end.UserTime() + end.SystemTime()
	}
	_, err = fmt.Fprintf(c.Out, "%d original workers, %d MB, -b %d: exact in %.1f s; processor time: workers %.1f s, coordinator %.2f s, "+
		"which is %.1f %% of both\n", adapterWorkers, adapterText.Bytes/1_000_000, p.blob, took.Seconds(), used[worker].Seconds(),
		used[coordinator].Seconds(), percent(used[coordinator], used[coordinator]+used[worker]))
	return err
}

// run starts all, waits until the coordinator has ended, kills the workers, and returns how long the job took them.
func (p *pier) run(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, adapterLimit, fmt.Errorf("not within %s", adapterLimit))
	defer cancel()
	leader := p.members[0]
	if err := leader.start(); err != nil {
		return 0, err
	}
	leader.life.expected.Store(true) // it ends when the job does
	if _, err := p.await(ctx, serves, time.Time{}); err != nil {
		return 0, err
	}
	began := time.Now()
	for _, m := range p.members[1:] {
		if err := m.start(); err != nil {
			return 0, err
		}
	}
	if err := p.awaitEnd(ctx, leader); err != nil {
		return 0, err
	}
	took := time.Since(began)
	for _, m := range p.members {
		m.kill()
	}
	return took, p.complaint()
}

// awaitEnd waits until the coordinator has ended, with 0. When a worker ends before, the job might wait for another one.
func (p *pier) awaitEnd(ctx context.Context, leader *member) error {
	for !leader.life.Ended() {
		if err := p.complaint(); err != nil {
			return err
		}
		if !pause(ctx, 10*time.Millisecond) {
			return fmt.Errorf("the job does not end: %w", context.Cause(ctx))
		}
	}
	if end := leader.life.Ending(); !end.Success() {
		return fmt.Errorf("the coordinator has ended with: %s", end)
	}
	return nil
}

// complaint is what should not have happened.
func (p *pier) complaint() error {
	if wrong := p.journal.complaints(); len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}
