package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"jetreduce/internal/processtest"
)

// RecoveryConfig says what to measure.
type RecoveryConfig struct {
	Trials int
	Only   []string // names of measurements; none: all but adapter, which needs Python
	Work   time.Duration
	Out    io.Writer
}

// measurement is something that dies, and what is waited for then.
type measurement struct {
	name, what string
	topology   Topology
	size       shape
	maps       int                                                        // of the job that is under way, about
	measure    func(b *bench, ctx context.Context) (time.Duration, error) // once
}

var measurements = []measurement{
	{"leader", "leader killed ─▶ the next decides, separate bus", Bus, shape{3, 1}, 10, (*bench).leader},
	{"host", "leader that hosts the bus killed ─▶ the next decides", Hosted, shape{2, 1}, 10, (*bench).leader},
	{"worker", "worker killed ─▶ its task begins on another", Bus, shape{1, 2}, 1, (*bench).worker},
	{"server", "leader and one of three servers killed ─▶ the next decides", Three, shape{3, 1}, 10, (*bench).serverAndLeader},
}

// Recovery measures how long the system stands still when something of it is killed, and what its state and its adapter cost
// when nothing is: a line each, with the median, the 95th percentile and the worst of the trials. A job is under way all the
// time. A trial begins at a random moment of whatever beats there are.
func Recovery(ctx context.Context, c RecoveryConfig) error {
	if err := c.check(); err != nil {
		return err
	}
	for _, m := range measurements {
		if len(c.Only) > 0 && !slices.Contains(c.Only, m.name) {
			continue
		}
		if err := m.run(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", m.what, err)
		}
	}
	if len(c.Only) == 0 || slices.Contains(c.Only, "cost") {
		if err := inDirectory(func(dir string) error { return cost(ctx, dir, c) }); err != nil {
			return err
		}
	}
	if slices.Contains(c.Only, "adapter") {
		return adapter(ctx, c)
	}
	return nil
}

// check refuses what measures nothing.
func (c RecoveryConfig) check() error {
	known := []string{"cost", "adapter"}
	for _, m := range measurements {
		known = append(known, m.name)
	}
	for _, name := range c.Only {
		if !slices.Contains(known, name) {
			return fmt.Errorf("measure %q: use %s", name, strings.Join(known, ", "))
		}
	}
	if c.Trials < 1 {
		return fmt.Errorf("%d trials: use 1 or more", c.Trials)
	}
	return nil
}

// inDirectory calls with a new directory, which stays when that is an error: logs are in it.
func inDirectory(do func(dir string) error) error {
	dir, err := os.MkdirTemp("", "jetreduce-recovery-")
	if err != nil {
		return err
	}
	if err := do(dir); err != nil {
		return fmt.Errorf("%w: logs are in %s", err, dir)
	}
	return os.RemoveAll(dir)
}

func (m measurement) run(ctx context.Context, c RecoveryConfig) error {
	return inDirectory(func(dir string) error {
		b, err := newBench(ctx, dir, m)
		if err != nil {
			return err
		}
		defer b.close()
		var took []time.Duration
		for range c.Trials {
			t, err := m.measure(b, ctx)
			if err != nil {
				return err
			}
			took = append(took, t)
		}
		_, err = fmt.Fprintf(c.Out, "%-62s %s\n", m.what, spread(took))
		return err
	})
}

// spread is the median, the 95th percentile and the most of some times.
func spread(took []time.Duration) string {
	slices.Sort(took)
	at := func(percent int) float64 { return took[(len(took)*percent+99)/100-1].Seconds() }
	return fmt.Sprintf("%d trials  p50 %.2f s  p95 %.2f s  max %.2f s", len(took), at(50), at(95), at(100))
}

// bench is a system in which a job is under way.
type bench struct {
	*cluster
	journal *journal
	job     *job
}

// recoveryLimit is how long one thing of a measurement may take.
const recoveryLimit = time.Minute

// newBench starts a system, and a job of which each attempt takes longer than any measurement.
func newBench(ctx context.Context, dir string, m measurement) (b *bench, err error) {
	b = &bench{}
	if err = os.Mkdir(filepath.Join(dir, "logs"), 0o700); err != nil {
		return nil, err
	}
	if b.journal, err = newJournal(dir); err != nil {
		return nil, err
	}
	var server nats
	if m.topology == Three {
		if server, err = buildServer(ctx, dir); err != nil {
			return nil, err
		}
	}
	if b.cluster, err = newCluster(dir, Plan{Topology: m.topology}, m.size, server, b.journal); err == nil {
		err = b.begin(ctx, int64(m.maps))
	}
	if err != nil {
		b.close()
	}
	return b, err
}

func (b *bench) begin(ctx context.Context, maps int64) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, recoveryLimit, errors.New("it does not begin"))
	defer cancel()
	plan := JobPlan{ID: "long", Program: "wordcount", Files: 1, Bytes: 100_000, Split: 200_000 / maps, Reduces: 2}
	if b.job, err = newJob(plan, 1, b.cluster); err != nil {
		return err
	}
	b.job.gate = filepath.Join(b.home.Dir, "gate") // never opened
	if err := errors.Join(os.Mkdir(b.job.gate, 0o700), b.start()); err != nil {
		return err
	}
	if _, err := b.job.insist(ctx, b.job.submission("-d")...); err != nil {
		return err
	}
	return b.awaitBegun(ctx, func(processtest.Began) bool { return true })
}

// awaitBegun waits until such an attempt has begun.
func (b *bench) awaitBegun(ctx context.Context, such func(processtest.Began) bool) error {
	for {
		began, err := processtest.ReadBegan(b.job.gate)
		switch {
		case err != nil:
			return err
		case slices.ContainsFunc(began, such):
			return nil
		case !pause(ctx, 2*time.Millisecond):
			return fmt.Errorf("no attempt begins: %w", context.Cause(ctx))
		}
	}
}

func (b *bench) close() {
	if b.cluster != nil {
		b.cluster.close()
	}
	if b.job != nil {
		_ = b.job.log.Close()
	}
	b.journal.close()
}

// settled is a random moment when everything has been well for a while.
func settled(ctx context.Context) { pause(ctx, time.Second+rand.N(time.Second)) }

// leader kills the leader, and starts it again when another leads.
func (b *bench) leader(ctx context.Context) (time.Duration, error) {
	return b.fell(ctx, b.last(decides))
}

// serverAndLeader kills the leader and one of the servers together.
func (b *bench) serverAndLeader(ctx context.Context) (time.Duration, error) {
	servers := b.of(busServer)
	return b.fell(ctx, servers[rand.IntN(len(servers))], b.last(decides))
}

// fell kills members, measures until somebody decides again, and starts them again. The last of them led.
func (b *bench) fell(ctx context.Context, victims ...*member) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, recoveryLimit, fmt.Errorf("not within %s", recoveryLimit))
	defer cancel()
	settled(ctx)
	killed := time.Now()
	for _, m := range victims {
		m.kill()
	}
	next, err := b.await(ctx, decides, killed)
	if err != nil {
		return 0, err
	}
	started := time.Now()
	for _, m := range victims {
		if err := m.start(); err != nil {
			return 0, err
		}
	}
	if _, err := b.await(ctx, standsBy, started); err != nil {
		return 0, err
	}
	return next.at.Sub(killed), b.awaitHealthy(ctx)
}

// worker kills the worker that runs the one attempt there is, and measures until another worker begins one of the same
// task. The killed one's heartbeats have named it: it has run for more than a second.
func (b *bench) worker(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, recoveryLimit, fmt.Errorf("not within %s", recoveryLimit))
	defer cancel()
	settled(ctx)
	began, err := processtest.ReadBegan(b.job.gate)
	if err != nil {
		return 0, err
	}
	busy := began[len(began)-1].Pid
	all := b.of(worker)
	at := slices.IndexFunc(all, func(m *member) bool { return m.life.Pid() == busy })
	if at < 0 {
		return 0, fmt.Errorf("no worker has the pid %d, which runs the task", busy)
	}
	killed := time.Now()
	all[at].kill()
	if err := b.awaitBegun(ctx, func(a processtest.Began) bool { return a.Pid == all[1-at].life.Pid() }); err != nil {
		return 0, err
	}
	took := time.Since(killed)
	if err := all[at].start(); err != nil {
		return 0, err
	}
	_, err = b.await(ctx, works, killed)
	return took, err
}
