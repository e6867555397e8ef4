package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// Benchmark is one measure of the suite, or a few that share their preparations.
type Benchmark struct {
	Name    string
	What    string // what is done ÷ by what that is compared
	Target  Target // of its first row
	Measure func(ctx context.Context, s *Stage) ([]Row, error)
}

// Target is what a row should reach; the zero Target asks for nothing.
type Target struct {
	Ratio float64 `json:"ratio,omitempty"` // so many times as good as the baseline, at least
	Most  float64 `json:"most,omitempty"`  // of the row's unit, at most
	Unit  string  `json:"-"`               // of Most
}

func (t Target) String() string {
	switch {
	case t.Ratio > 0:
		return fmt.Sprintf("≥ %g ×", t.Ratio)
	case t.Most > 0:
		return fmt.Sprintf("≤ %g %s", t.Most, t.Unit)
	}
	return ""
}

// Row is one line of the report.
type Row struct {
	Measure  string  `json:"measure"`
	Unit     string  `json:"unit,omitempty"` // of Ours and Baseline
	Ours     float64 `json:"ours"`
	Baseline float64 `json:"baseline,omitempty"` // 0: there is none
	Against  string  `json:"against,omitempty"`  // what the baseline is
	Ratio    float64 `json:"ratio,omitempty"`    // how many times as good as the baseline; 0: there is none
	Target   Target  `json:"target,omitzero"`
	Reached  *bool   `json:"reached,omitempty"`      // nil: no target
	Missing  string  `json:"not_measured,omitempty"` // why
}

// judged is the row with its verdict.
func (r Row) judged() Row {
	reached := r.Ratio >= r.Target.Ratio
	switch {
	case r.Missing != "" || r.Target == Target{}:
		return r
	case r.Target.Most > 0:
		reached = r.Ours <= r.Target.Most
	}
	r.Reached = &reached
	return r
}

// atMost is a row whose target is a number of its unit, or none: 0.
func atMost(measure string, ours float64, unit string, most float64) Row {
	row := Row{Measure: measure, Ours: ours, Unit: unit}
	if most > 0 {
		row.Target = Target{Most: most, Unit: unit}
	}
	return row
}

// faster is a row of two rates, of which more is better.
func faster(measure string, ours, baseline float64, against string, target Target) Row {
	return Row{
		Measure: measure, Unit: "tasks/s", Ours: ours, Baseline: baseline, Against: against, Ratio: ours / baseline, Target: target,
	}
}

// Suite is all there is, in the order in which it is run.
func Suite() []Benchmark {
	var all []Benchmark
	for _, group := range [][]Benchmark{wordCounts(), {sorting(), grepping()}, tasks(), smallest(), {memory(), takeover()}} {
		all = append(all, group...)
	}
	return all
}

// Select is the benchmarks of these names, in the order of the suite; no name: all.
func Select(names []string) ([]Benchmark, error) {
	all, known := Suite(), map[string]bool{}
	for _, b := range all {
		known[b.Name] = true
	}
	wanted := map[string]bool{}
	for _, name := range names {
		if !known[name] {
			return nil, fmt.Errorf("there is no benchmark %q: `jetreduce bench --list` names them", name)
		}
		wanted[name] = true
	}
	var chosen []Benchmark
	for _, b := range all {
		if len(names) == 0 || wanted[b.Name] {
			chosen = append(chosen, b)
		}
	}
	return chosen, nil
}

// Run measures one benchmark after the other, and calls tell with each row when it is known. One that cannot be measured, or
// whose output is wrong, has a row that says why and a part in the error; the others go on. The end of ctx ends all.
func Run(ctx context.Context, s *Stage, benchmarks []Benchmark, tell func(Row)) ([]Row, error) {
	var all []Row
	var wrong []error
	for _, b := range benchmarks {
		rows, err := b.on(ctx, s)
		if ctx.Err() != nil {
			return all, context.Cause(ctx)
		}
		if err != nil {
			rows = []Row{{Measure: b.Name, Target: b.Target, Missing: firstLine(err.Error())}} // a wrong answer reaches nothing
			wrong = append(wrong, fmt.Errorf("%s: %w", b.Name, err))
		}
		for _, row := range rows {
			row = row.judged()
			tell(row)
			all = append(all, row)
		}
	}
	return all, errors.Join(wrong...)
}

// on measures in a directory of its own, which is removed. What those before have left to be written is written first, or the writes
// that one waits for would wait for it too.
func (b Benchmark) on(ctx context.Context, shared *Stage) ([]Row, error) {
	syscall.Sync()
	s := *shared
	var err error
	if s.work, err = os.MkdirTemp(s.Dir, "work-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(s.work)
	if err := s.furnish(); err != nil {
		return nil, err
	}
	return b.Measure(ctx, &s)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
