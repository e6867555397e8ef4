package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"jetreduce/internal/bench"
)

// wordCountBench are the flags of `jetreduce bench wordcount`.
type wordCountBench struct {
	size     size
	distinct int
	rounds   int
}

func newBenchWordCount(terminal Terminal) *cobra.Command {
	b := wordCountBench{size: 200 << 20}
	cmd := &cobra.Command{
		Use: "wordcount [FILE]", Short: "Word count of a file of yours, against one careful thread with the same rule",
		Long: "Count the words of FILE, or of generated text, with `jetreduce run` and with one careful thread that\n" +
			"takes the same rule: whole processes, in turn, output compared. A ratio above 1 means that jetreduce is faster.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{errors.New("bench wordcount takes one file, or none")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return b.run(cmd.Context(), terminal, args) },
	}
	cmd.Flags().Var(&b.size, "size", "bytes of generated text")
	cmd.Flags().IntVar(&b.distinct, "distinct", 20_000, "different words in it")
	cmd.Flags().IntVar(&b.rounds, "rounds", 5, "rounds that count")
	return cmd
}

func (b wordCountBench) run(ctx context.Context, terminal Terminal, args []string) error {
	if b.rounds < 1 || b.distinct < 1 {
		return usageError{errors.New("--rounds and --distinct: use 1 or more")}
	}
	dir, err := os.MkdirTemp("", "jetreduce-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	input, err := b.input(dir, args)
	if err != nil {
		return err
	}
	duel, err := b.duel(dir, input)
	if err != nil {
		return err
	}
	outcome, err := duel.Run(ctx)
	if err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	return report(terminal.Out, input, outcome)
}

// duel is between processes of this binary, which write into the directory.
func (b wordCountBench) duel(dir, input string) (bench.Duel, error) {
	self, err := os.Executable()
	ours, baseline := filepath.Join(dir, "ours.tsv"), filepath.Join(dir, "baseline.tsv")
	env := bench.Environment(dir, dir)
	return bench.Duel{
		Ours:     bench.Contender{Args: []string{self, "run", "wordcount", input, "-o", ours}, Env: env, Output: ours},
		Baseline: bench.Contender{Args: []string{self, "bench", "baseline", input, baseline}, Env: env, Output: baseline},
		Rounds:   b.rounds,
	}, err
}

// input is the file named, else generated text.
func (b wordCountBench) input(dir string, args []string) (string, error) {
	if len(args) == 1 {
		if _, err := os.Stat(args[0]); err != nil {
			return "", err
		}
		return filepath.Abs(args[0])
	}
	path := filepath.Join(dir, "input.txt")
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	_, err = bench.Text{Bytes: int64(b.size), Distinct: b.distinct}.WriteTo(file)
	return path, errors.Join(err, file.Close())
}

func report(w io.Writer, input string, o bench.Outcome) error {
	info, err := os.Stat(input)
	if err != nil {
		return err
	}
	megabytes := float64(info.Size()) / 1e6
	t := columns("word count", "median", "fastest", "slowest", "MB/s")
	row := func(name string, times []time.Duration) {
		lowest, highest := extremes(times)
		median := bench.Median(times)
		t.AppendRow(table.Row{name, seconds(median), seconds(lowest), seconds(highest), fmt.Sprintf("%.0f", megabytes/median.Seconds())})
	}
	row("one careful thread", o.Baseline)
	row(fmt.Sprintf("jetreduce, %d cores", runtime.GOMAXPROCS(0)), o.Ours)
	_, err = fmt.Fprintf(w, "%.0f MB, %d rounds, whole processes in turn, equal output\n%s\njetreduce is %.2f times as fast\n",
		megabytes, len(o.Ours), t.Render(), o.Ratio())
	return err
}

func extremes(times []time.Duration) (lowest, highest time.Duration) {
	lowest = times[0]
	for _, t := range times {
		lowest, highest = min(lowest, t), max(highest, t)
	}
	return lowest, highest
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

// newBaseline is what `bench wordcount` runs as a process of its own.
func newBaseline() *cobra.Command {
	return &cobra.Command{
		Use: "baseline INPUT OUTPUT", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return bench.CountWords(args[0], args[1]) },
	}
}
