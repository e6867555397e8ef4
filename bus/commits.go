package bus

import (
	"context"
	"errors"

	"jetreduce/mapreduce"
)

// Commits is where workers commit: worker.Commits.
type Commits struct{ bus *Bus }

// Commits are the commits on this bus.
func (b *Bus) Commits() *Commits { return &Commits{b} }

// Commit creates the task's commit record unless there is one, and returns the one that stands: the attempt that it
// names has won, whatever became of the answers on the way.
func (c *Commits) Commit(ctx context.Context, commit mapreduce.Commit) (mapreduce.Commit, error) {
	return first(ctx, c.bus, commit.Task.String(), commit)
}

// Stands reports whether a task is committed.
func (c *Commits) Stands(ctx context.Context, task mapreduce.TaskID) (bool, error) {
	_, err := c.bus.lastMessage(ctx, bucket(c.bus.names.commits()), key(c.bus.names.commits(), task.String()))
	if errors.Is(err, errGone) {
		return false, nil
	}
	return err == nil, err
}

// Decide creates the record that decides how the job ends unless there is one, and returns the one that stands.
func (c *Commits) Decide(ctx context.Context, end mapreduce.End) (mapreduce.End, error) {
	return first(ctx, c.bus, endKey(end.UID), end)
}

// Fail records an attempt that did not commit.
func (c *Commits) Fail(ctx context.Context, failure mapreduce.Failure) error {
	_, err := c.bus.create(ctx, c.bus.names.commits(), failureKey(failure), failure)
	return err
}

// first writes a key unless it exists, and returns what stands there. First writer wins. What stood there may be gone before
// it is read: the job has ended, and its records are forgotten. Then the key is free again. A record that comes so late is
// one of a uid that is known to be dead.
func first[T any](ctx context.Context, b *Bus, k string, mine T) (T, error) {
	for {
		created, err := b.create(ctx, b.names.commits(), k, mine)
		if created || err != nil {
			return mine, err
		}
		var standing T
		err = b.read(ctx, b.names.commits(), k, &standing)
		if !errors.Is(err, errGone) {
			return standing, err
		}
	}
}
