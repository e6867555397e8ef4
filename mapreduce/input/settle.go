package input

import (
	"context"
	"fmt"
	"time"

	"jetreduce/mapreduce"
)

// A file system's clock ticks: two edits within a tick show the same times. An identity is therefore taken only when the
// file has been quiet for longer than a tick, as git does with entries that are "racily clean".
const (
	tick        = 20 * time.Millisecond // longer than a tick of any kernel's coarse clock (10 ms)
	coarseTick  = 2 * time.Second       // file systems that keep whole seconds, or even ones
	skew        = time.Second           // how far a file server's clock may be ahead of ours
	settleTries = 25                    // looks at a file that is never quiet
)

// settle looks at a file until what it sees is certain to differ from what any later edit leaves.
func settle(ctx context.Context, name string, look func() (identity, error)) (identity, error) {
	for range settleTries {
		id, err := look()
		if err != nil {
			return identity{}, err
		}
		wait := id.unquiet(time.Now())
		if wait <= 0 {
			return id, nil
		}
		if err := pause(ctx, wait); err != nil {
			return identity{}, err
		}
	}
	return identity{}, fmt.Errorf("%w: %s: is written to while the job is planned: give a copy, or wait until it is complete",
		mapreduce.ErrInputChanged, name)
}

// unquiet is how long to wait until the file has been quiet for longer than a tick; zero or less when it has been.
// Times far in the future were set by hand and say nothing about edits.
func (id identity) unquiet(now time.Time) time.Duration {
	quiet := tick
	if id.ctime%int64(time.Second) == 0 {
		quiet = coarseTick
	}
	var wait time.Duration
	for _, stamp := range []int64{id.mtime, id.ctime} {
		if age := now.Sub(time.Unix(0, stamp)); age > -skew {
			wait = max(wait, quiet-age)
		}
	}
	return wait
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
