package backup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"jetreduce/mapreduce"
)

// Run stands by, takes over, and leads inside lead, whose ctx ends with the lease: with the cause mapreduce.ErrDeposed
// when another leads, or because ctx has ended. It waits for lead to return, and stands by again unless
//
//   - ctx has ended: it gives the lease back and returns nil;
//   - lead returned nil: there is nothing more to lead; likewise;
//   - an error was marked mapreduce.Permanent: it gives the lease back and returns the error.
//
// After any other error of lead it gives the lease back too, and rests, so that another may lead.
func Run(ctx context.Context, config Config, lease Lease, sight Sight,
	lead func(ctx context.Context, epoch mapreduce.Epoch) error) error {
	c := &candidate{config.withDefaults(), lease, sight, lead}
	defer c.leave(ctx)
	for {
		epoch, err := c.standBy(ctx)
		if err == nil {
			err = c.reign(ctx, epoch)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, mapreduce.ErrDeposed):
			c.Log.Warn("deposed", "epoch", epoch, "cause", err)
		case err == nil, mapreduce.IsPermanent(err):
			return err
		default:
			c.Log.Warn("resigned", "epoch", epoch, "cause", err)
			rest(ctx, c.Rest)
		}
	}
}

// candidate is one process that leads or stands by.
type candidate struct {
	Config
	lease Lease
	sight Sight
	lead  func(ctx context.Context, epoch mapreduce.Epoch) error
}

// reign leads under an epoch until that is over, and returns why: mapreduce.ErrDeposed, or what lead said.
func (c *candidate) reign(ctx context.Context, epoch mapreduce.Epoch) error {
	c.Log.Info("leads", "epoch", epoch)
	reigning, end := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { c.renew(reigning, epoch, end) })
	err := c.lead(reigning, epoch)
	if cause := context.Cause(reigning); errors.Is(cause, mapreduce.ErrDeposed) {
		err = cause // what lead made of it does not matter
	}
	end(nil)
	renewing.Wait() // or a late renewal would take back the release
	if errors.Is(err, mapreduce.ErrDeposed) {
		return err
	}
	c.release(ctx, epoch)
	if err != nil {
		return err // which says what it led
	}
	return nil
}

// renew shows that this leader lives, until ctx ends or another leads. No answer is no reason to stop: nobody else gets
// one either, and the fence holds whatever happens meanwhile.
func (c *candidate) renew(ctx context.Context, epoch mapreduce.Epoch, end context.CancelCauseFunc) {
	ticker := time.NewTicker(c.Every)
	defer ticker.Stop()
	for silent := false; ; {
		err := c.renewOnce(ctx, epoch)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, mapreduce.ErrDeposed):
			end(fmt.Errorf("renew lease epoch %d: %w", epoch, err))
			return
		case err != nil && !silent:
			c.Log.Warn("lease not renewed: goes on leading and trying", "epoch", epoch, "cause", err)
		case err == nil && silent:
			c.Log.Info("lease renewed again", "epoch", epoch)
		}
		silent = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (c *candidate) renewOnce(ctx context.Context, epoch mapreduce.Epoch) error {
	ctx, cancel := context.WithTimeout(ctx, c.callLimit())
	defer cancel()
	return c.lease.Renew(ctx, epoch)
}

// release gives the lease back, also when ctx has ended. When it cannot, the others wait for Silence.
func (c *candidate) release(ctx context.Context, epoch mapreduce.Epoch) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.CallWait)
	defer cancel()
	if err := c.lease.Release(ctx, epoch); err != nil {
		c.Log.Warn("lease not released", "epoch", epoch, "cause", err)
		return
	}
	c.Log.Info("lease released", "epoch", epoch)
}

// rest waits, unless ctx ends.
func rest(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
