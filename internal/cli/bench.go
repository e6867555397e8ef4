package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"jetreduce/internal/bench"
)

// benchFlags are those of `jetreduce bench`.
type benchFlags struct {
	list, asJSON bool
	rounds       int
	scale        float64
	dir          string
	peers        string
}

func newBench(terminal Terminal) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use: "bench [NAME...]", Short: "Measure whole jobs against baselines that do the same work",
		Long: "Measure whole jobs against baselines that do the same work: processes in turn, outputs compared, medians. With no\n" +
			"name, everything: that takes half an hour or so, 2 cores, and 15 GB of disk. A ratio above 1 means that jetreduce is\n" +
			"better. It exits with 1 when something could not be measured or an output was wrong, not when a target was missed.",
		Example: "  jetreduce bench\n  jetreduce bench wordcount-200m sort-1g --rounds 5\n  jetreduce bench --scale 0.01",
		Args:    cobra.ArbitraryArgs, ValidArgsFunction: completeBenchmark,
		RunE: func(cmd *cobra.Command, names []string) error {
			chosen, err := f.chosen(names)
			if err != nil {
				return usageError{err}
			}
			if f.list {
				return listBenchmarks(terminal.Out, chosen, f.asJSON)
			}
			return f.run(cmd.Context(), terminal, chosen)
		},
	}
	f.register(cmd)
	cmd.AddCommand(newBenchWordCount(terminal), newBaseline(), newBenchChild(terminal))
	return cmd
}

func (f *benchFlags) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.list, "list", false, "say what there is, and measure nothing")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "as JSON")
	cmd.Flags().IntVar(&f.rounds, "rounds", 3, "rounds that count, of what is run several times")
	cmd.Flags().Float64Var(&f.scale, "scale", 1, "factor on all sizes; the targets are for 1")
	cmd.Flags().StringVar(&f.dir, "dir", "", "`DIR`ectory for inputs, which stay there for the next time (a temporary one)")
	cmd.Flags().StringVar(&f.peers, "peers", "", "`FILE` of what bench/peers has printed: tiny-tasks is compared with that, too")
}

func completeBenchmark(*cobra.Command, []string, string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
	for _, b := range bench.Suite() {
		names = append(names, b.Name+"\t"+b.What)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// chosen is the benchmarks that are named, or all.
func (f *benchFlags) chosen(names []string) ([]bench.Benchmark, error) {
	switch {
	case f.rounds < 1:
		return nil, fmt.Errorf("--rounds %d: use 1 or more", f.rounds)
	case !(f.scale > 0 && f.scale <= 100):
		return nil, fmt.Errorf("--scale %g: use a number above 0, 100 at most", f.scale)
	}
	return bench.Select(names)
}

func (f *benchFlags) run(ctx context.Context, terminal Terminal, chosen []bench.Benchmark) error {
	stage, remove, err := f.stage()
	if err != nil {
		return err
	}
	defer remove()
	fmt.Fprintf(terminal.Err, "jetreduce: %s\n", machine())
	if f.scale != 1 {
		fmt.Fprintln(terminal.Err, "jetreduce: the targets are for --scale 1")
	}
	rows, err := bench.Run(ctx, stage, chosen, func(row bench.Row) {
		fmt.Fprintf(terminal.Err, "jetreduce: %s\n", said(row))
	})
	return errors.Join(showRows(terminal.Out, rows, f.asJSON), err)
}

// stage is where the suite runs; remove removes what nobody asked to keep.
func (f *benchFlags) stage() (*bench.Stage, func(), error) {
	s := &bench.Stage{Rounds: f.rounds, Scale: f.scale}
	var err error
	if f.peers != "" {
		if s.Peers, err = bench.ReadPeers(f.peers); err != nil {
			return nil, nil, usageError{fmt.Errorf("--peers: %w", err)}
		}
	}
	if s.Self, err = os.Executable(); err != nil {
		return nil, nil, err
	}
	if f.dir == "" {
		s.Dir, err = os.MkdirTemp("", "jetreduce-bench-")
		return s, func() { _ = os.RemoveAll(s.Dir) }, err
	}
	if s.Dir, err = filepath.Abs(f.dir); err == nil {
		err = os.MkdirAll(s.Dir, 0o777)
	}
	return s, func() {}, err
}

// said is a row in a line, for who waits.
func said(row bench.Row) string {
	var words []string
	for _, cell := range rowCells(row) {
		if word := fmt.Sprint(cell); word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, "  ")
}

func showRows(w io.Writer, rows []bench.Row, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(append([]bench.Row{}, rows...))
	}
	if len(rows) == 0 {
		return nil
	}
	t := columns("measure", "ours", "baseline", "ratio", "target", "reached")
	for _, row := range rows {
		t.AppendRow(rowCells(row))
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}

// rowCells is a row as people read it.
func rowCells(r bench.Row) table.Row {
	if r.Missing != "" {
		return table.Row{r.Measure, "not measured", r.Missing, "", r.Target, "no"}
	}
	cells := table.Row{r.Measure, quantity(r.Ours, r.Unit), "", "", r.Target, ""}
	if r.Baseline > 0 {
		cells[2] = quantity(r.Baseline, r.Unit) + ", " + r.Against
		cells[3] = quantity(r.Ratio, "×")
	}
	if r.Reached != nil {
		cells[5] = map[bool]string{true: "yes", false: "no"}[*r.Reached]
	}
	return cells
}

// quantity has as many digits as mean something.
func quantity(n float64, unit string) string {
	if n >= 100 {
		return fmt.Sprintf("%.0f %s", n, unit)
	}
	return fmt.Sprintf("%.3g %s", n, unit)
}

func listBenchmarks(w io.Writer, chosen []bench.Benchmark, asJSON bool) error {
	type listed struct {
		Name   string `json:"name"`
		What   string `json:"what"`
		Target string `json:"target,omitempty"`
	}
	t := columns("name", "what", "target")
	all := []listed{}
	for _, b := range chosen {
		all = append(all, listed{b.Name, b.What, b.Target.String()})
		t.AppendRow(table.Row{b.Name, b.What, b.Target})
	}
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(all)
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}
