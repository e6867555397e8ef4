package web

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// passingError may be gone in a moment.
type passingError struct {
	error
	after time.Duration // that the server asks to be left alone; 0: it says nothing
}

func (e passingError) Unwrap() error { return e.error }

const (
	maxTries   = 5
	firstPause = 200 * time.Millisecond // doubled from try to try
	maxAfter   = 30 * time.Second
	progress   = 1 << 20 // bytes that were read between two breaks, for the later one to count as a first
)

// patience is for how long to try what fails in passing.
type patience struct {
	pause func(context.Context, time.Duration) error
	tries int
}

func (r *resource) patience() patience { return patience{pause: r.pause} }

// again waits until it is time to try again. It gives the error back, as one of an attempt that failed, when it will not pass or has not
// for too long.
func (p *patience) again(ctx context.Context, err error) error {
	var passing passingError
	if !errors.As(err, &passing) {
		return err
	}
	if p.tries++; p.tries >= maxTries {
		return fmt.Errorf("%w (tried %d times)", passing.error, p.tries)
	}
	wait := firstPause << (p.tries - 1)
	wait += rand.N(wait) // many workers ask the same server
	return p.pause(ctx, max(wait, min(passing.after, maxAfter)))
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
