package onejob

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// outcome waits until the job ends and, if it is done, has its result written. A job that is gone before this process has its result was
// removed by one that was started later: that one counts the same again, or says that it has the port for something else.
func (m *member) outcome(ctx context.Context) (mapreduce.Status, error) {
	for {
		status, err := m.await(ctx)
		if err == nil && status.State == mapreduce.Done {
			err = m.deliver(ctx, status)
		}
		if !errors.Is(err, mapreduce.ErrUnknownJob) {
			return status, err
		}
		m.Log.Warn("a coordinator that was started later has removed the job: waits for what that one counts")
	}
}

// await waits until the job ends that this process was started for. Whoever leads submits it, and clears away what is left of an
// earlier one; yesterday's result is no answer to whoever starts today.
func (m *member) await(ctx context.Context) (mapreduce.Status, error) {
	for others := 0; ; {
		status, err := m.b.Desk().Ask(ctx, m.id())
		switch {
		case ctx.Err() == nil && mapreduce.IsPermanent(err):
			return mapreduce.Status{}, err
		case err != nil: // nobody leads yet
		case m.isOurs(status) && !status.State.Final():
			m.served.Store(true)
			return m.follow(ctx)
		case m.isOurs(status) && status.Ended.After(m.Began): // it was faster than this process
			return *status, nil
		case m.isAnothers(ctx, status):
			if others++; others > otherFor {
				return mapreduce.Status{}, m.taken()
			}
		case m.leads.Load():
			if others = 0; m.clear(ctx, status) {
				return m.follow(ctx)
			}
		}
		if err := pass(ctx, askEvery); err != nil {
			return mapreduce.Status{}, err
		}
	}
}

// taken is that another job stands in the way.
func (m *member) taken() error {
	return fmt.Errorf("%s is served by a coordinator with another -f or -b: wait for it, or use another port with -p", m.Addr)
}

// isOurs reports whether a job is what this process was started for.
func (m *member) isOurs(status *mapreduce.Status) bool {
	return status != nil && status.Spec == m.job().Digest()
}

// isAnothers reports whether a process lives that was started for a job, which is not done and not ours.
func (m *member) isAnothers(ctx context.Context, status *mapreduce.Status) bool {
	if status == nil || status.State.Final() || m.isOurs(status) {
		return false
	}
	list, err := m.b.Desk().Workers(ctx)
	return err == nil && slices.ContainsFunc(list, func(w mapreduce.Member) bool { return strings.HasSuffix(w.Host, " "+status.Spec) })
}

// clear removes what is left of another job, and reports whether nothing is.
func (m *member) clear(ctx context.Context, left *mapreduce.Status) (free bool) {
	var err error
	switch {
	case left == nil:
		return true
	case left.State.Final():
		_, err = m.b.Desk().Remove(ctx, m.id())
	default:
		m.Log.Warn("a job that was left unfinished on this port is another one: it is given up", "maps", left.Maps)
		_, err = m.b.Desk().Cancel(ctx, m.id())
	}
	if err != nil {
		m.Log.Warn("what is left of another job cannot be cleared away yet", "cause", err)
	}
	return false
}

// follow submits the job, or joins it, and waits until it ends.
func (m *member) follow(ctx context.Context) (mapreduce.Status, error) {
	status, err := client.Run(ctx, m.b.Desk(), m.job(), client.View{
		Seen:    m.see,
		Trouble: m.sayWaiting,
	})
	var rejected client.Rejected
	if errors.As(err, &rejected) {
		return status, fmt.Errorf("%s: %w", m.Addr, err)
	}
	return status, err
}

// sayWaiting says what to do in the words of this mode.
func (m *member) sayWaiting(reason string) {
	if strings.Contains(reason, "no worker") {
		reason = "workers: connect original ones to " + m.Addr + ", or start `jetreduce worker --port` for it"
	}
	m.Log.Info("the job waits", "for", reason)
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
