package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

// Duel is two commands that do the same work and leave the same file.
type Duel struct {
	Ours, Baseline Contender
	Rounds         int
}

// Contender is a command, and the file that it writes.
type Contender struct {
	Args   []string // the command line; [0] is the program
	Output string
}

// Outcome is how long each took, round by round.
type Outcome struct {
	Ours, Baseline []time.Duration
}

// Run runs both in turn, so that a machine that slows down slows both, after one round that does not count. Different
// output ends it: a wrong answer has no speed.
func (d Duel) Run(ctx context.Context) (Outcome, error) {
	var o Outcome
	for round := range d.Rounds + 1 {
		baseline, err := d.Baseline.run(ctx)
		if err != nil {
			return o, err
		}
		ours, err := d.Ours.run(ctx)
		if err != nil {
			return o, err
		}
		if err := same(d.Ours.Output, d.Baseline.Output); err != nil {
			return o, err
		}
		if round > 0 {
			o.Ours, o.Baseline = append(o.Ours, ours), append(o.Baseline, baseline)
		}
	}
	return o, nil
}

// run runs the command as a process of its own, and returns how long that took.
func (c Contender) run(ctx context.Context) (time.Duration, error) {
	if err := os.Remove(c.Output); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	var words bytes.Buffer
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Stderr = &words
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("run %q: %w: %s", c.Args, err, words.Bytes())
	}
	return took, nil
}

func same(a, b string) error {
	one, err1 := os.ReadFile(a)
	two, err2 := os.ReadFile(b)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if !bytes.Equal(one, two) {
		return fmt.Errorf("%s and %s differ: a wrong answer has no speed", a, b)
	}
	return nil
}

// Ratio is how many times as fast ours was, by the medians.
func (o Outcome) Ratio() float64 { return Median(o.Baseline).Seconds() / Median(o.Ours).Seconds() }

// Median is the middle one; of an even number, the lower of the two.
func Median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[(len(sorted)-1)/2]
}
