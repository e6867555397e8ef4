package bus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/backup"
	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// removal is a way to take a key of the state bucket away.
type removal func(ctx context.Context, state jetstream.KeyValue, key string) error

var removals = map[string]removal{
	"deleted": func(ctx context.Context, state jetstream.KeyValue, key string) error { return state.Delete(ctx, key) },
	"emptied": func(ctx context.Context, state jetstream.KeyValue, key string) error {
		_, err := state.Put(ctx, key, nil)
		return err
	},
	"gone altogether": func(ctx context.Context, state jetstream.KeyValue, key string) error {
		if err := state.Delete(ctx, key); err != nil {
			return err
		}
		return state.PurgeDeletes(ctx, jetstream.DeleteMarkersOlderThan(-1))
	},
}

// removed is a bus on which "old" has led, and on which a key was taken away.
func removed(ctx context.Context, t *testing.T, remove removal, key string) (b *bus.Bus, old mapreduce.Epoch) {
	t.Helper()
	b = bustest.Start(t, patience).Bus()
	return b, remove.after(ctx, t, b, key)
}

// after has "old" lead, and takes a key away.
func (remove removal) after(ctx context.Context, t *testing.T, b *bus.Bus, key string) mapreduce.Epoch {
	t.Helper()
	old, err := takeEpoch(ctx, b, "old")
	if err == nil {
		err = b.Lease("old").Renew(ctx, old)
	}
	var state jetstream.KeyValue
	if err == nil {
		state, err = stream(t, b).KeyValue(ctx, "jetreduce-state")
	}
	if err == nil {
		err = remove(ctx, state, key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return old
}

// A lease that somebody has deleted is as one that was never renewed: its holder may go on, and others take over in time.
func TestDeletedLeaseHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for name, remove := range removals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := deadline(t)
			b, old := removed(ctx, t, remove, "lease")
			seen, err := b.Sight("other").Look(ctx)
			want := mapreduce.Leadership{Epoch: old, Revision: uint64(old), Holder: "old"}
			if diff := cmp.Diff(want, seen); err != nil || diff != "" {
				t.Fatal(err, diff)
			}
			if err := b.Lease("old").Renew(ctx, old); err != nil {
				t.Errorf("the holder cannot renew: %v", err)
			}
			if next, err := takeEpoch(ctx, b, "new"); err != nil || next <= old {
				t.Errorf("epoch %d after %d: %v", next, old, err)
			}
		})
	}
}

// Revisions only grow: whatever became of the epoch's key, the next epoch is behind all before it, and cuts them off.
func TestDeletedEpochIsFollowedByALaterOne(t *testing.T) {
	t.Parallel()
	for name, remove := range removals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := deadline(t)
			b, old := removed(ctx, t, remove, "epoch")
			next, err := takeEpoch(ctx, b, "new")
			if err != nil || next <= old {
				t.Fatalf("epoch %d after %d: %v", next, old, err)
			}
			if err := b.Lease("old").Renew(ctx, old); !errors.Is(err, mapreduce.ErrDeposed) {
				t.Errorf("the deposed leader renews: %v", err)
			}
			if err := b.Lease("new").Renew(ctx, next); err != nil {
				t.Errorf("the new leader cannot renew: %v", err)
			}
			seen, err := b.Sight("other").Look(ctx)
			if err != nil || seen.Epoch != next || seen.Holder != "new" || seen.Revision <= uint64(next) {
				t.Errorf("seen: %+v, %v", seen, err)
			}
		})
	}
}

// Who stands by leads again after each of these.
func TestStandbyLeadsWhenKeysOfLeadershipAreDeleted(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"lease", "epoch"} {
		for name, remove := range removals {
			t.Run(key+" "+name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(deadline(t))
				b, old := removed(ctx, t, remove, key)
				var led mapreduce.Epoch
				config := backup.Config{Every: 20 * time.Millisecond, Silence: 300 * time.Millisecond, CallWait: time.Second, Log: bustest.Quiet()}
				err := backup.Run(ctx, config, b.Lease("new"), b.Sight("new"), func(ctx context.Context, epoch mapreduce.Epoch) error {
					led = epoch
					cancel()
					return ctx.Err()
				})
				if led <= old {
					t.Errorf("led epoch %d after %d: %v", led, old, err)
				}
			})
		}
	}
}

func TestDoctorReadsADeletedLease(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), startServer(t, server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()})
	b := busOf(t, s)
	if err := b.SetUp(ctx, bus.SetUp{}); err != nil {
		t.Fatal(err)
	}
	removals["deleted"].after(ctx, t, b, "lease")
	examine(t, doctor(s.ClientURL())).mustSay(t, bus.LevelWarning, "coordinator", "no coordinator leads: the last was old")
}
