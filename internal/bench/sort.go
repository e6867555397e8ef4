package bench

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
)

// sorting sorts records that shrink to a third or so and have a random key, as sort benchmarks have them.
func sorting() Benchmark {
	const name = "sort-1g"
	target := Target{Ratio: 1.5}
	what := "10,000,000 records of 100 bytes, --memory 1GiB ÷ LC_ALL=C sort --parallel=2 -S1G"
	return Benchmark{name, what, target, func(ctx context.Context, s *Stage) ([]Row, error) {
		records := s.count(10_000_000, 100)
		input, err := s.input(fmt.Sprintf("records-%d.txt", records), func(w io.Writer) error { return writeRecords(w, records) })
		if err != nil {
			return nil, err
		}
		ours, baseline := s.in("ours.txt"), s.in("baseline.txt")
		outcome, err := Duel{
			Ours: Contender{Args: []string{s.Self, "run", "sort", "--memory", "1GiB", input, "-o", ours}, Env: s.env(), Output: ours},
			Baseline: Contender{
				Args: []string{"sort", "--parallel=2", "-S1G", "-o", baseline, input}, Env: s.env("LC_ALL=C"), Output: baseline,
			},
			Rounds: s.Rounds,
		}.Run(ctx)
		if err != nil {
			return nil, err
		}
		return []Row{outcome.row(name, "sort", target)}, nil
	}}
}

// writeRecords writes lines of 100 bytes: a key of 10 printable ones, the number of the line, and letters.
func writeRecords(w io.Writer, n int) error {
	random := rand.New(rand.NewPCG(2, uint64(n)))
	record := make([]byte, 100)
	for i := range n {
		dice := random.Uint64()
		for k := range 10 {
			record[k] = ' ' + byte(dice%95)
			dice /= 95
		}
		number := [8]byte{byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}
		record[10] = ' '
		hex.Encode(record[11:27], number[:])
		dice = random.Uint64()
		for k := 27; k < 99; k++ {
			record[k] = 'A' + byte(dice>>(k/9*4)&15) // nine times the same letter
		}
		record[99] = '\n'
		if _, err := w.Write(record); err != nil {
			return err
		}
	}
	return nil
}
