package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
)

// needle stands in few lines of a haystack.
const needle = "Stecknadel"

// grepping looks for a rare string, also against ripgrep where that is installed.
func grepping() Benchmark {
	const name = "grep-1g"
	target := Target{Ratio: 2}
	what := "a rare string in 1 GB, its lines ÷ grep -cF, their number"
	return Benchmark{name, what, target, func(ctx context.Context, s *Stage) ([]Row, error) {
		h := haystack{s.bytes(1e9)}
		input, err := s.input(fmt.Sprintf("haystack-%d.txt", h.bytes), h.write)
		if err != nil {
			return nil, err
		}
		row, err := s.grep(ctx, h, input, "grep")
		if err != nil {
			return nil, err
		}
		row.Measure, row.Target = name, target
		rows := []Row{row}
		if _, err := exec.LookPath("rg"); err == nil {
			row, err := s.grep(ctx, h, input, "rg")
			if err != nil {
				return nil, err
			}
			row.Measure = name + " ÷ ripgrep"
			rows = append(rows, row)
		}
		return rows, nil
	}}
}

// grep duels with another grep. It only counts, ours also writes the lines: ours does no less.
func (s *Stage) grep(ctx context.Context, h haystack, input, other string) (Row, error) {
	ours, baseline := s.in("ours.txt"), s.in("baseline.txt")
	outcome, err := Duel{
		Ours: Contender{
			Args: []string{s.Self, "run", "grep", "--arg", "literal=" + needle, input, "-o", ours}, Env: s.env(), Output: ours,
		},
		Baseline: Contender{Args: []string{other, "-cF", needle, input}, Env: s.env(), Output: baseline, Prints: true},
		Rounds:   s.Rounds,
		Check:    func() error { return h.check(ours, baseline) },
	}.Run(ctx)
	if err != nil {
		return Row{}, err
	}
	return outcome.row("", other+" -cF", Target{}), nil
}

// haystack is text with a needle in each of its blocks.
type haystack struct{ bytes int64 }

// hayBlock is about how much text there is between two needles.
const hayBlock = 8 << 20

// blocks is how many there are. The last may make the haystack larger than it need be.
func (h haystack) blocks() int { return int((h.bytes + hayBlock - 1) / hayBlock) }

func (haystack) needle(n int) string { return fmt.Sprintf("The %s number %d lies here.\n", needle, n) }

func (h haystack) write(w io.Writer) error {
	var hay bytes.Buffer
	if _, err := (Text{Bytes: min(h.bytes, hayBlock), Distinct: 20_000}).WriteTo(&hay); err != nil {
		return err
	}
	for n := range h.blocks() {
		if _, err := w.Write(hay.Bytes()); err != nil {
			return err
		}
		if _, err := io.WriteString(w, h.needle(n)); err != nil {
			return err
		}
	}
	return nil
}

// check looks whether we found all needles in their order, and whether the other counted as many.
func (h haystack) check(ours, baseline string) error {
	var want bytes.Buffer
	for n := range h.blocks() {
		want.WriteString(h.needle(n))
	}
	got, err := os.ReadFile(ours)
	if err != nil {
		return err
	}
	count, err := os.ReadFile(baseline)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want.Bytes()) || string(bytes.TrimSpace(count)) != strconv.Itoa(h.blocks()) {
		return fmt.Errorf("of %d lines we found %d, the other %q: a wrong answer has no speed", h.blocks(), bytes.Count(got, []byte("\n")), count)
	}
	return nil
}
