package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Config says how many runs of what.
type Config struct {
	Range
	Seed  uint64        // of the first run; the next has the next
	Runs  int           // 0: as many as fit into Time
	Time  time.Duration // after which no run is begun; 0: Runs decide
	Limit time.Duration // for what is left to do after the last fault of a run; then it hangs
	Keep  bool          // the directories of all runs, not only of those that were not exact
	Out   io.Writer

	server nats
}

// ErrWrong: a run was not exact. What was wrong has been written to Out.
var ErrWrong = errors.New("not exact")

// Soak does the runs, writes a line about each, and at the end one about all. The directory of a run that was not exact
// stays, and is named.
func Soak(ctx context.Context, c Config) error {
	dir, err := os.MkdirTemp("", "jetreduce-chaos-")
	if err != nil {
		return err
	}
	defer os.Remove(dir) // unless there is a run in it
	if slices.Contains(c.Topologies, Three) {
		if c.server, err = buildServer(ctx, dir); err != nil {
			return err
		}
		defer os.Remove(string(c.server))
	}
	t := tally{counts: map[Kind]int{}}
	for c.more(t) && ctx.Err() == nil {
		if err := c.one(ctx, dir, &t); err != nil {
			return err
		}
	}
	fmt.Fprintln(c.Out, t)
	if t.runs < c.Runs {
		fmt.Fprintf(c.Out, "the time is up: %d runs were not begun\n", c.Runs-t.runs)
	}
	if t.exact < t.runs {
		return ErrWrong
	}
	return ctx.Err()
}

// clear removes a directory, unless all are kept.
func (c Config) clear(dir string) error {
	if c.Keep {
		return nil
	}
	return os.RemoveAll(dir)
}

// tally sums runs up.
type tally struct {
	runs, exact int
	counts      map[Kind]int
	took        time.Duration
}

// more reports whether another run fits, if it takes as long as those before.
func (c Config) more(t tally) bool {
	if c.Runs > 0 && t.runs >= c.Runs {
		return false
	}
	mean := t.took / time.Duration(max(1, t.runs))
	return c.Time == 0 || t.runs == 0 || t.took+mean <= c.Time
}

// one does the next run.
func (c Config) one(ctx context.Context, dir string, t *tally) error {
	plan := Draw(c.Seed+uint64(t.runs), c.Range)
	dir = filepath.Join(dir, fmt.Sprintf("seed-%d", plan.Seed))
	began := time.Now()
	err := os.Mkdir(dir, 0o700)
	if err != nil {
		return err
	}
	report, err := perform(ctx, dir, plan, c)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	t.add(report, time.Since(began))
	fmt.Fprintln(c.Out, report)
	if len(report.Wrong) == 0 {
		return c.clear(dir)
	}
	_, err = fmt.Fprintf(c.Out, "%s\nall logs are in %s\nagain: make chaos SEED=%d RUNS=1 BYTES=%d SPAN=%s TOPOLOGY=%s\n",
		report.Log, dir, plan.Seed, c.Bytes, c.Span, join(c.Topologies))
	return err
}

func join(topologies []Topology) string {
	var names []string
	for _, t := range topologies {
		names = append(names, string(t))
	}
	return strings.Join(names, ",")
}

func (t *tally) add(r Report, took time.Duration) {
	t.runs++
	t.took += took
	if len(r.Wrong) == 0 {
		t.exact++
	}
	for kind, n := range r.Counts {
		t.counts[kind] += n
	}
}

// String is a line about all runs.
func (t tally) String() string {
	return fmt.Sprintf("%d of %d exact in %s, %s", t.exact, t.runs, t.took.Round(time.Second), summary(t.counts))
}

// String is a line about one run.
func (r Report) String() string {
	outcome := "exact"
	if len(r.Wrong) > 0 {
		outcome = "WRONG: " + strings.Join(r.Wrong, "; ")
	}
	topology := string(r.Plan.Topology)
	if r.Plan.Proxied {
		topology += " with cables"
	}
	return fmt.Sprintf("seed %d, %s: %s; %s; %.1f s, %.1f s after the last fault: %s", r.Plan.Seed, topology, strings.Join(r.Jobs, ", "), summary(r.Counts),
		r.Took.Seconds(), r.Settled.Seconds(), outcome)
}

// summary counts faults, the frequent kinds first.
func summary(counts map[Kind]int) string {
	kinds := slices.SortedFunc(maps.Keys(counts), func(a, b Kind) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(string(a), string(b))
	})
	whole := 0
	var each []string
	for _, kind := range kinds {
		whole += counts[kind]
		each = append(each, fmt.Sprintf("%d %s", counts[kind], kind))
	}
	return fmt.Sprintf("%d faults (%s)", whole, strings.Join(each, ", "))
}
