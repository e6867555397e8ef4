package onejob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"jetreduce/client"
	"jetreduce/mapreduce"
)

const (
	askEvery = 200 * time.Millisecond
	// otherFor is for how many answers in a row another job must stand in the way of one who does not lead: a leader that has just
	// begun clears it away.
	otherFor = 25
)

// await waits until the job ends that this process was started for. Whoever leads submits it, and clears away what is left of an
// earlier one; yesterday's result is no answer to whoever starts today.
func (m *member) await(ctx context.Context) (mapreduce.Status, error) {
	for others := 0; ; {
		status, err := m.b.Desk().Ask(ctx, id)
		switch {
		case ctx.Err() != nil:
			return mapreduce.Status{}, ctx.Err()
		case err != nil: // nobody leads yet
		case status != nil && !status.State.Final() && status.Spec == m.job().Digest():
			m.served.Store(true)
			return m.follow(ctx)
		case m.leads.Load():
			if free, err := m.clear(ctx, status); err == nil && free {
				return m.follow(ctx)
			}
		case status != nil && !status.State.Final():
			if others++; others > otherFor {
				return mapreduce.Status{}, fmt.Errorf("%s is served by a coordinator that counts another file, or in other blobs: "+
					"wait for it, or use another port with -p", m.Addr)
			}
		}
		if err := pass(ctx, askEvery); err != nil {
			return mapreduce.Status{}, err
		}
	}
}

// clear removes what is left of another job, and reports whether nothing is.
func (m *member) clear(ctx context.Context, left *mapreduce.Status) (free bool, err error) {
	switch {
	case left == nil:
		return true, nil
	case left.State.Final():
		_, err = m.b.Desk().Remove(ctx, id)
	default:
		m.Log.Warn("the job that a coordinator of this port left unfinished is another one: it is given up", "maps", left.Maps)
		_, err = m.b.Desk().Cancel(ctx, id)
	}
	return false, err
}

// follow submits the job, or joins it, and waits until it ends.
func (m *member) follow(ctx context.Context) (mapreduce.Status, error) {
	status, err := client.Run(ctx, m.b.Desk(), m.job(), client.View{
		Seen:    m.see,
		Trouble: func(reason string) { m.Log.Info("the job waits", "for", reason) },
	})
	var rejected client.Rejected
	if errors.As(err, &rejected) {
		return status, fmt.Errorf("%s: %w", m.Addr, err)
	}
	return status, err
}

// pass waits, unless ctx ends.
func pass(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
