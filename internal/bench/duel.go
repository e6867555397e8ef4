package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"
)

// Duel is two commands that do the same work.
type Duel struct {
	Ours, Baseline Contender
	Rounds         int
	Check          func() error // looks at both outputs, outside the timing; nil: they must have the same bytes
}

// Contender is a command, and the file that it writes.
type Contender struct {
	Args   []string // the command line; [0] is the program
	Env    []string // nil: that of this process
	Output string
	Prints bool // what it prints is its output
}

// Outcome is how long each took, round by round.
type Outcome struct {
	Ours, Baseline []time.Duration
}

// Run runs both in turn, so that a machine that slows down slows both, after one round that does not count. Wrong output
// ends it: a wrong answer has no speed.
func (d Duel) Run(ctx context.Context) (Outcome, error) {
	var o Outcome
	check := d.Check
	if check == nil {
		check = func() error { return same(d.Ours.Output, d.Baseline.Output) }
	}
	for round := range d.Rounds + 1 {
		baseline, err := d.Baseline.run(ctx)
		if err != nil {
			return o, err
		}
		ours, err := d.Ours.run(ctx)
		if err != nil {
			return o, err
		}
		if err := check(); err != nil {
			return o, err
		}
		if round > 0 {
			o.Ours, o.Baseline = append(o.Ours, ours), append(o.Baseline, baseline)
		}
	}
	return o, nil
}

// run runs the command as a process of its own, and returns how long that took.
func (c Contender) run(ctx context.Context) (took time.Duration, err error) {
	if err := os.Remove(c.Output); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	var words bytes.Buffer
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Env, cmd.Stderr = c.Env, &words
	if c.Prints {
		out, err := os.Create(c.Output)
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, out.Close()) }()
		cmd.Stdout = out
	}
	began := time.Now()
	err = cmd.Run()
	took = time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("run %q: %w: %s", c.Args, err, words.Bytes())
	}
	return took, nil
}

// same compares two files.
func same(a, b string) error {
	one, err := os.Open(a)
	if err != nil {
		return err
	}
	defer one.Close()
	two, err := os.Open(b)
	if err != nil {
		return err
	}
	defer two.Close()
	equal, err := equalReaders(one, two)
	if err == nil && !equal {
		err = fmt.Errorf("%s and %s differ: a wrong answer has no speed", a, b)
	}
	return err
}

// equalReaders compares a megabyte at a time: outputs are as large as inputs.
func equalReaders(a, b io.Reader) (bool, error) {
	one, two := bufio.NewReaderSize(a, 1<<20), bufio.NewReaderSize(b, 1<<20)
	for {
		x, errX := one.Peek(1 << 20)
		y, errY := two.Peek(1 << 20)
		for _, err := range []error{errX, errY} {
			if err != nil && err != io.EOF {
				return false, err
			}
		}
		if !bytes.Equal(x, y) || errX == io.EOF {
			return bytes.Equal(x, y), nil
		}
		_, errX = one.Discard(len(x))
		_, errY = two.Discard(len(y))
		if err := errors.Join(errX, errY); err != nil {
			return false, err
		}
	}
}

// Ratio is how many times as fast ours was, by the medians.
func (o Outcome) Ratio() float64 { return Median(o.Baseline).Seconds() / Median(o.Ours).Seconds() }

// row is the outcome as a line of the report.
func (o Outcome) row(measure, against string, target Target) Row {
	return Row{
		Measure: measure, Unit: "s", Ours: Median(o.Ours).Seconds(), Baseline: Median(o.Baseline).Seconds(), Against: against,
		Ratio: o.Ratio(), Target: target,
	}
}

// Median is the middle one; of an even number, the lower of the two.
func Median(times []time.Duration) time.Duration { return percentile(times, 50) }

// percentile is the least time that so many percent of all do not exceed.
func percentile(times []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[(len(sorted)*percent+99)/100-1]
}
