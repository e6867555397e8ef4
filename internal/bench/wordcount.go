package bench

import (
	"context"
	"path/filepath"
)

// careful is the baseline of all word counts: CountWords, as a process of its own.
const careful = "careful thread"

// wordCounts counts words, with the whole word rule, against one careful thread.
func wordCounts() []Benchmark {
	english := func(name string, bytes int64) Benchmark {
		return embeddedWordCount(name, "text like English, everything in one process ÷ one careful thread", Target{Ratio: 1.5},
			func(s *Stage) Text { return Text{Bytes: s.bytes(bytes), Distinct: 20_000} })
	}
	return []Benchmark{
		english("wordcount-200m", 200e6), english("wordcount-1g", 1e9), wordCountProcesses(),
		embeddedWordCount("wordcount-distinct", "200 MB with 2.4 million different words, sorted ÷ one careful thread", Target{Ratio: 1.4},
			// Of a vocabulary of 3,000,000 words, 2,369,010 are in it.
			func(s *Stage) Text { return Text{Bytes: s.bytes(200e6), Distinct: s.count(3_000_000, 1000)} }),
	}
}

func embeddedWordCount(name, what string, target Target, text func(*Stage) Text) Benchmark {
	return Benchmark{name, what, target, func(ctx context.Context, s *Stage) ([]Row, error) {
		input, err := s.text(text(s))
		if err != nil {
			return nil, err
		}
		return s.countWords(ctx, Row{Measure: name, Target: target}, input, "run", "wordcount", input, "-o", s.in("ours.tsv"))
	}}
}

// countWords duels a command line of ours, which leaves ours.tsv, with the careful thread.
func (s *Stage) countWords(ctx context.Context, as Row, input string, ours ...string) ([]Row, error) {
	outcome, err := Duel{
		Ours:     Contender{Args: append([]string{s.Self}, ours...), Env: s.env(), Output: s.in("ours.tsv")},
		Baseline: s.carefully(input, s.in("baseline.tsv")),
		Rounds:   s.Rounds,
	}.Run(ctx)
	if err != nil {
		return nil, err
	}
	return []Row{outcome.row(as.Measure, careful, as.Target)}, nil
}

// carefully is the careful thread, over a file.
func (s *Stage) carefully(input, output string) Contender {
	return Contender{Args: []string{s.Self, "bench", "baseline", input, output}, Env: s.env(), Output: output}
}

// wordCountProcesses is the same on a cluster that is already there.
func wordCountProcesses() Benchmark {
	const name = "wordcount-1g-processes"
	target := Target{Ratio: 1.3}
	what := "text like English, on a bus, a coordinator and 2 workers that are there ÷ one careful thread"
	return Benchmark{name, what, target, func(ctx context.Context, s *Stage) (rows []Row, err error) {
		input, err := s.text(Text{Bytes: s.bytes(1e9), Distinct: 20_000})
		if err != nil {
			return nil, err
		}
		err = s.onCluster(ctx, 2, func(c *cluster) error {
			rows, err = s.countWords(ctx, Row{Measure: name, Target: target}, input,
				"run", "--server", c.url, "wordcount", fileURL(input), "-o", fileURL(s.in("ours.tsv")))
			return err
		})
		return rows, err
	}}
}

// fileURL names a file of this machine to its workers.
func fileURL(path string) string { return "file://" + filepath.ToSlash(path) }
