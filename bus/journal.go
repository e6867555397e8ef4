package bus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// TakeEpoch wins an epoch: the revision of the epoch key, written by compare-and-swap. Whoever led before can write no
// state record any more. It fails with mapreduce.ErrDeposed when another took the next epoch first.
func (b *Bus) TakeEpoch(ctx context.Context, holder string) (mapreduce.Epoch, error) {
	stream, err := b.stream(ctx, bucket(b.names.state()))
	if err != nil {
		return 0, fmt.Errorf("take epoch: %w", err)
	}
	subject := key(b.names.state(), epochKey)
	var last uint64
	switch found, err := stream.GetLastMsgForSubject(ctx, subject); {
	case err == nil:
		last = found.Sequence
	case !isCode(err, jetstream.JSErrCodeMessageNotFound):
		return 0, fmt.Errorf("take epoch: %w", err)
	}
	// No retry here: a lost answer leaves an epoch that nobody holds, and the next try takes the one after it.
	ack, err := b.js.Publish(ctx, subject, []byte(holder), jetstream.WithExpectLastSequencePerSubject(last))
	if conflict(err) {
		return 0, fmt.Errorf("take epoch after %d: %w", last, mapreduce.ErrDeposed)
	}
	if err != nil {
		return 0, fmt.Errorf("take epoch after %d: %w", last, err)
	}
	return mapreduce.Epoch(ack.Sequence), nil
}

// Journal writes what one leader records: coordinator.Journal.
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

// fenced writes a key of the state bucket under an epoch.
func (b *Bus) fenced(ctx context.Context, epoch mapreduce.Epoch, k string, v any) (uint64, error) {
	fence := jetstream.WithExpectLastSequenceForSubject(uint64(epoch), key(b.names.state(), epochKey))
	seq, err := b.put(ctx, key(b.names.state(), k), v, fence)
	if conflict(err) {
		return 0, fmt.Errorf("epoch %d: %w", epoch, mapreduce.ErrDeposed)
	}
	return seq, err
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
