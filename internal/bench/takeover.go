package bench

import (
	"context"
	"math/rand/v2"
	"time"
)

// takeover kills leaders. It is for information: `make recovery` looks at it more thoroughly.
func takeover() Benchmark {
	const name = "takeover"
	what := "the leader is killed, the next decides: median of 5"
	return Benchmark{name, what, Target{}, func(ctx context.Context, s *Stage) ([]Row, error) {
		var all []time.Duration
		err := s.onCluster(ctx, 1, func(c *cluster) error {
			if _, err := c.coordinator(ctx, standsBy); err != nil {
				return err
			}
			for range s.times(5) {
				took, err := c.replaceLeader(ctx)
				if err != nil {
					return err
				}
				all = append(all, took)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		return []Row{atMost(name, Median(all).Seconds(), "s", 0)}, nil
	}}
}

// leaseBeat is about how often a leader renews its lease.
const leaseBeat = 250 * time.Millisecond

// replaceLeader kills the first of two coordinators, which leads, at any moment between two beats, and starts another when
// the second has taken over.
func (c *cluster) replaceLeader(ctx context.Context) (time.Duration, error) {
	leader, next := c.coordinators[0], c.coordinators[1]
	select {
	case <-time.After(rand.N(2 * leaseBeat)):
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	killed := time.Now()
	leader.kill()
	c.coordinators = c.coordinators[1:]
	heard, err := next.await(ctx, decides)
	if err != nil {
		return 0, err
	}
	_, err = c.coordinator(ctx, standsBy)
	return heard.at.Sub(killed), err
}
