package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"jetreduce/mapreduce"
)

// smallest is the time that a job of one line takes: what there is to pay for any job.
func smallest() []Benchmark { return []Benchmark{smallestEmbedded(), smallestCluster()} }

const (
	smallestInput  = "to be or not to be\n"
	smallestResult = "be\t2\nnot\t1\nor\t1\nto\t2\n"
)

func (s *Stage) smallestInput() (string, error) {
	return s.input("one-line.txt", func(w io.Writer) error {
		_, err := io.WriteString(w, smallestInput)
		return err
	})
}

func checkSmallest(result []byte) error {
	if string(result) != smallestResult {
		return fmt.Errorf("the result is %.100q, want %q", result, smallestResult)
	}
	return nil
}

func smallestEmbedded() Benchmark {
	target := Target{Most: 150, Unit: "ms"}
	return Benchmark{"smallest-embedded", "one line, the whole process: median and 95th percentile of 30", target,
		func(ctx context.Context, s *Stage) ([]Row, error) {
			input, err := s.smallestInput()
			if err != nil {
				return nil, err
			}
			output := s.in("ours.tsv")
			ours := Contender{Args: []string{s.Self, "run", "wordcount", input, "-o", output}, Env: s.env(), Output: output}
			return s.repeat("smallest-embedded", target, func() (time.Duration, error) {
				took, err := ours.run(ctx)
				if err != nil {
					return 0, err
				}
				result, err := os.ReadFile(output)
				return took, errors.Join(err, checkSmallest(result))
			})
		}}
}

func smallestCluster() Benchmark {
	target := Target{Most: 30, Unit: "ms"}
	return Benchmark{"smallest-cluster", "one line on a cluster that is there, from submission to result: the same", target,
		func(ctx context.Context, s *Stage) (rows []Row, err error) {
			input, err := s.smallestInput()
			if err != nil {
				return nil, err
			}
			job := mapreduce.Job{Program: "wordcount", Inputs: []string{fileURL(input)}}
			err = s.onCluster(ctx, 2, func(c *cluster) error {
				rows, err = s.repeat("smallest-cluster", target, func() (time.Duration, error) {
					_, result, took, err := c.run(ctx, job)
					if err != nil {
						return 0, err
					}
					return took, checkSmallest(result)
				})
				return err
			})
			return rows, err
		}}
}

// repeat does something 30 times, after once that does not count: rows for its median and its 95th percentile, in ms.
func (s *Stage) repeat(name string, target Target, once func() (time.Duration, error)) ([]Row, error) {
	var all []time.Duration
	for range s.times(30) + 1 {
		took, err := once()
		if err != nil {
			return nil, err
		}
		all = append(all, took)
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return []Row{
		atMost(name, ms(Median(all[1:])), "ms", target.Most), atMost(name+" 95th percentile", ms(percentile(all[1:], 95)), "ms", 0),
	}, nil
}
