package clustertest

import (
	"context"
	"time"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/shuffle"
	"jetreduce/worker"
)

// The ports of the victim: what it does there brings it to a point, and when it was struck there is no way through.

type victimQueue struct {
	fault *Fault
	queue
}

func (q *victimQueue) Pull(ctx context.Context, classes ...mapreduce.Class) (mapreduce.Delivery, error) {
	q.fault.lives(ctx)
	delivery, err := q.queue.Pull(ctx, classes...)
	if err != nil {
		return delivery, err
	}
	q.fault.pulled(delivery)
	return delivery, q.fault.reach(ctx, delivery.Task.ID, Pulled)
}

// Waiting strikes when the worker has been given a task, and lets it have that: so it holds one.
func (q *victimQueue) Waiting(ctx context.Context, class mapreduce.Class) (delivery mapreduce.Delivery, found bool) {
	if q.fault.frozen(ctx) != nil {
		return delivery, false
	}
	delivery, found = q.queue.Waiting(ctx, class)
	if found {
		q.fault.pulled(delivery)
		q.fault.strike(delivery.Task.ID, Held)
		q.fault.strike(delivery.Task.ID, Pulled)
		q.fault.takeAhead()
	}
	return delivery, found
}

func (q *victimQueue) Extend(ctx context.Context, receipt string) error {
	if err := q.fault.frozen(ctx); err != nil {
		return err
	}
	return q.queue.Extend(ctx, receipt)
}

func (q *victimQueue) Settle(ctx context.Context, receipt string, how mapreduce.Settlement) error {
	if err := q.fault.frozen(ctx); err != nil {
		return err
	}
	defer q.fault.settled(receipt)
	return q.queue.Settle(ctx, receipt, how)
}

func (q *victimQueue) Clock(ctx context.Context) (time.Time, error) {
	if err := q.fault.frozen(ctx); err != nil {
		return time.Time{}, err
	}
	return q.queue.Clock(ctx)
}

type victimRuns struct {
	fault *Fault
	worker.Runs
}

func (r *victimRuns) Publisher(ctx context.Context) (func(mapreduce.Lane, []byte) error, func() error) {
	push, flush := r.Runs.Publisher(ctx)
	return func(lane mapreduce.Lane, chunk []byte) error {
		if err := r.fault.frozen(ctx); err != nil {
			return err
		}
		if err := push(lane, chunk); err != nil {
			return err
		}
		return r.fault.reach(ctx, writer(lane, chunk), Published)
	}, flush
}

// writer is the task that sent a chunk on a lane.
func writer(lane mapreduce.Lane, chunk []byte) mapreduce.TaskID {
	id := mapreduce.TaskID{UID: lane.UID, Phase: mapreduce.Map, Generation: lane.Generation}
	if lane.Reader == mapreduce.Finish {
		id.Phase = mapreduce.Reduce
	}
	if parsed, err := shuffle.ParseChunk(chunk); err == nil {
		id.N = parsed.Task
	}
	return id
}

type victimPlans struct {
	fault *Fault
	worker.Plans
}

func (p *victimPlans) Store(ctx context.Context, ref mapreduce.PlanRef, chunk mapreduce.PlanChunk) error {
	if err := p.Plans.Store(ctx, ref, chunk); err != nil {
		return err
	}
	return p.fault.reach(ctx, ref.Plan, Published)
}

type victimPulse struct {
	fault *Fault
	worker.Pulse
}

func (p *victimPulse) Beat(beat mapreduce.Beat) error {
	if closed(p.fault.hit) && !closed(p.fault.awake) {
		return nil
	}
	return p.Pulse.Beat(beat)
}

type victimCommits struct {
	fault *Fault
	worker.Commits
}

func (c *victimCommits) Commit(ctx context.Context, commit mapreduce.Commit) (mapreduce.Commit, error) {
	if err := c.fault.frozen(ctx); err != nil {
		return mapreduce.Commit{}, err
	}
	standing, err := c.Commits.Commit(ctx, commit)
	if err != nil {
		return standing, err
	}
	return standing, c.fault.reach(ctx, commit.Task, Committed)
}

func (c *victimCommits) Stands(ctx context.Context, task mapreduce.TaskID) (bool, error) {
	if err := c.fault.frozen(ctx); err != nil {
		return false, err
	}
	return c.Commits.Stands(ctx, task)
}

func (c *victimCommits) Decide(ctx context.Context, end mapreduce.End) (mapreduce.End, error) {
	if err := c.fault.frozen(ctx); err != nil {
		return mapreduce.End{}, err
	}
	standing, err := c.Commits.Decide(ctx, end)
	if err != nil {
		return standing, err
	}
	finish := mapreduce.TaskID{UID: end.UID, Phase: mapreduce.Finish, Generation: 1}
	return standing, c.fault.reach(ctx, finish, Published)
}
