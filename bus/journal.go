package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"jetreduce/mapreduce"
)

// Journal writes what one leader records: coordinator.Journal and coordinator.Ledger.
type Journal struct {
	bus   *Bus
	epoch mapreduce.Epoch
}

// Journal is the journal of the leader of this epoch.
func (b *Bus) Journal(epoch mapreduce.Epoch) *Journal { return &Journal{b, epoch} }

// Write writes a state record. The server refuses it when the epoch key has moved on.
func (j *Journal) Write(ctx context.Context, record mapreduce.Record) error {
	_, err := j.bus.fenced(ctx, j.epoch, recordKey(record), record)
	if err != nil {
		return fmt.Errorf("record %s %s: %w", record.UID, record.State, err)
	}
	return nil
}

// Confirm makes sure that the epoch stands, by a write that it fences.
func (j *Journal) Confirm(ctx context.Context) error {
	if _, err := j.bus.fenced(ctx, j.epoch, confirmKey, j.epoch); err != nil {
		return fmt.Errorf("confirm the leadership: %w", err)
	}
	return nil
}

// Forget removes what the tasks of a job have recorded: plans, commits, failures. Whole, it removes the state records too,
// all but the one that says that the job is removed. The end stays: a finish that comes late must not decide it anew.
func (j *Journal) Forget(ctx context.Context, uid mapreduce.UID, whole bool) error {
	n := j.bus.names
	commits, state := key(n.commits(), string(uid)), key(n.state(), "job."+string(uid))
	subjects := map[string][]string{
		n.plans():           {fmt.Sprintf("%s.plans.%s.>", n.prefix, uid)},
		bucket(n.commits()): {commits + ".plan.>", commits + ".map.>", commits + ".reduce.>"},
	}
	if whole {
		subjects[bucket(n.commits())] = append(subjects[bucket(n.commits())], commits+".finish.>")
		subjects[bucket(n.state())] = []string{state + ".repair.>", state + ".quarantine.>"}
		for _, s := range mapreduce.UserStates() {
			subjects[bucket(n.state())] = append(subjects[bucket(n.state())], fmt.Sprintf("%s.%s", state, s))
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for stream, subjects := range subjects {
		group.Go(func() error { return j.bus.purge(ctx, stream, subjects) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("forget %s: %w", uid, err)
	}
	return nil
}

// Erase removes what late attempts have recorded, the end, and last the record that the job is removed: whoever leads next goes on if this
// one stops in between.
func (j *Journal) Erase(ctx context.Context, uid mapreduce.UID) error {
	n := j.bus.names
	for _, of := range []struct{ stream, subjects string }{
		{n.plans(), fmt.Sprintf("%s.plans.%s.>", n.prefix, uid)},
		{bucket(n.commits()), key(n.commits(), string(uid)+".>")},
		{bucket(n.state()), key(n.state(), fmt.Sprintf("job.%s.>", uid))},
	} {
		if err := j.bus.purge(ctx, of.stream, []string{of.subjects}); err != nil {
			return fmt.Errorf("erase %s: %w", uid, err)
		}
	}
	return nil
}

// purge removes all messages under some subjects of a stream.
func (b *Bus) purge(ctx context.Context, name string, subjects []string) error {
	stream, err := b.stream(ctx, name)
	if err != nil {
		return err
	}
	for _, subject := range subjects {
		err := b.ask(ctx, "STREAM.PURGE."+name, func(ctx context.Context) error { return stream.Purge(ctx, jetstream.WithPurgeSubject(subject)) })
		if err != nil {
			return fmt.Errorf("purge %s: %w", subject, err)
		}
	}
	return nil
}

// fenced writes a key of the state bucket under an epoch. A refusal is looked into: a replicated stream refuses a fenced
// write also while another one under the same epoch is on its way.
func (b *Bus) fenced(ctx context.Context, epoch mapreduce.Epoch, k string, v any) (uint64, error) {
	fence := jetstream.WithExpectLastSequenceForSubject(uint64(epoch), key(b.names.state(), epochKey))
	for {
		seq, err := b.put(ctx, key(b.names.state(), k), v, fence)
		if !conflict(err) {
			return seq, err
		}
		stands, err := b.epochStands(ctx, epoch)
		if err == nil && !stands {
			err = mapreduce.ErrDeposed
		}
		if err == nil {
			err = wait(ctx, 5*time.Millisecond)
		}
		if err != nil {
			return 0, fmt.Errorf("epoch %d: %w", epoch, err)
		}
	}
}

// epochStands reports whether no later epoch is known. A replica that answers may be behind, and not know this one yet.
func (b *Bus) epochStands(ctx context.Context, epoch mapreduce.Epoch) (bool, error) {
	stream, err := b.stream(ctx, bucket(b.names.state()))
	if err != nil {
		return false, err
	}
	standing, err := b.last(ctx, stream, epochKey)
	return standing == nil || mapreduce.Epoch(standing.Sequence) <= epoch, err
}

// Fail records an attempt that did not commit. The key names the attempt, so that twice the same is one.
func (j *Journal) Fail(ctx context.Context, failure mapreduce.Failure) error {
	_, err := j.bus.create(ctx, j.bus.names.commits(), failureKey(failure), failure)
	return err
}

// End creates the record that decides how a job ends, or finds that there is one; the feed tells which.
func (j *Journal) End(ctx context.Context, end mapreduce.End) error {
	_, err := j.bus.create(ctx, j.bus.names.commits(), endKey(end.UID), end)
	return err
}
