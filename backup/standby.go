package backup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"jetreduce/mapreduce"
)

// standBy watches who leads, and returns the epoch that this process has won. It fails when ctx ends, or permanently.
func (c *candidate) standBy(ctx context.Context) (mapreduce.Epoch, error) {
	ticker := time.NewTicker(c.Every)
	defer ticker.Stop()
	s := &standby{candidate: c, watch: watch{config: c.Config}}
	for {
		epoch, err := s.step(ctx)
		switch {
		case ctx.Err() != nil && epoch == 0:
			return 0, ctx.Err()
		case epoch > 0, mapreduce.IsPermanent(err):
			return epoch, err
		}
		s.say(err)
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-ticker.C:
		}
	}
}

// standby is one time of standing by.
type standby struct {
	*candidate
	watch   watch
	told    mapreduce.Epoch // whose leadership was logged
	failing bool            // what was tried last
}

// step looks once, and takes over if that is due. Epoch 0: it is not, or another was first.
func (s *standby) step(ctx context.Context) (mapreduce.Epoch, error) {
	seen, err := s.look(ctx)
	if err != nil {
		s.watch.blind()
		return 0, fmt.Errorf("look who leads: %w", err)
	}
	s.watch.saw(time.Now(), seen)
	if !s.watch.due() {
		return 0, nil
	}
	s.Log.Info("takes over", "epoch", seen.Epoch, "holder", seen.Holder, "released", seen.Released)
	epoch, err := s.acquire(ctx, seen.Epoch)
	if errors.Is(err, mapreduce.ErrDeposed) {
		return 0, nil // the next look says who was first
	}
	if err != nil {
		s.watch.blind()
		return 0, fmt.Errorf("take over from epoch %d: %w", seen.Epoch, err)
	}
	return epoch, nil
}

func (s *standby) look(ctx context.Context) (mapreduce.Leadership, error) {
	ctx, cancel := context.WithTimeout(ctx, s.callLimit())
	defer cancel()
	return s.sight.Look(ctx)
}

// acquire may take longer than a look: an answer that is not waited for leaves an epoch that nobody holds.
func (s *standby) acquire(ctx context.Context, after mapreduce.Epoch) (mapreduce.Epoch, error) {
	ctx, cancel := context.WithTimeout(ctx, s.CallWait)
	defer cancel()
	return s.lease.Acquire(ctx, after)
}

// say logs what has changed since the last step.
func (s *standby) say(err error) {
	if seen := s.watch.seen; err == nil && seen.Epoch != s.told {
		s.Log.Info("stands by", "epoch", seen.Epoch, "holder", seen.Holder)
		s.told = seen.Epoch
	}
	switch {
	case err != nil && !s.failing:
		s.Log.Warn("cannot see who leads: waits for the bus", "cause", err)
	case err == nil && s.failing:
		s.Log.Info("sees who leads again", "epoch", s.watch.seen.Epoch, "holder", s.watch.seen.Holder)
	}
	s.failing = err != nil
}

// leave removes this process's traces, as well as it can.
func (c *candidate) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.CallWait)
	defer cancel()
	if err := c.sight.Leave(ctx); err != nil {
		c.Log.Warn("probe not removed", "cause", err)
	}
}
