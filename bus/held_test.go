package bus_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// heldIDs are the uploads on a bus, the largest first.
func heldIDs(ctx context.Context, t *testing.T, b *bus.Bus) string {
	t.Helper()
	held, err := b.HeldUploads(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, u := range held {
		ids = append(ids, u.ID)
		if u.Kept != u.Expires.IsZero() || u.Stream != "JETREDUCE_INPUT_"+u.ID || u.Made.IsZero() {
			t.Errorf("%+v", u)
		}
	}
	return strings.Join(ids, " ")
}

// begin carries some of an upload, until there is no room or it has so many chunks.
func begin(ctx context.Context, t *testing.T, b *bus.Bus, id string, chunks int) (err error) {
	t.Helper()
	if err := b.Uploads().Make(ctx, id); err != nil {
		t.Fatal(err)
	}
	push, flush := b.Carrier().Carry(ctx, id)
	for n := 0; err == nil && n < chunks; n++ {
		err = push(0, n, []byte(noise(100<<10, uint64(n))))
	}
	return errors.Join(err, flush())
}

// Without a leader nobody knows which jobs there are: what may be somebody's stays, unless whoever has made it says that it is not.
func TestUploadIsFreedWithoutALeaderWhereNoJobCanNeedIt(t *testing.T) {
	t.Parallel()
	ctx, b := deadline(t), bustest.Start(t, patience).Bus()
	upload(t, b, "whole", "x", noise(3*b.Carrier().ChunkSize(), 1))
	upload(t, b, "kept", "x")
	if err := b.Uploads().Keep(ctx, "kept"); err != nil {
		t.Fatal(err)
	}
	if err, ids := begin(ctx, t, b, "begun", 1), heldIDs(ctx, t, b); err != nil || ids != "whole begun kept" {
		t.Errorf("there are %s: %v", ids, err)
	}
	begun := b.FreeUpload(ctx, "begun", false)
	if err := errors.Join(begun, b.FreeUpload(ctx, "begun", false), b.FreeUpload(ctx, "none", false)); err != nil {
		t.Error(err)
	}
	if err := b.FreeUpload(ctx, "whole", false); !errors.Is(err, mapreduce.ErrNoLeader) {
		t.Errorf("a whole one that a job may need: %v", err)
	}
	mustSay(t, b.FreeUpload(ctx, "kept", true), "kept for a job")
	mustSay(t, b.FreeUpload(ctx, "no id", true), "no such upload")
	if ids := heldIDs(ctx, t, b); ids != "whole kept" {
		t.Errorf("there are %s", ids)
	}
	if err := b.FreeUpload(ctx, "whole", true); err != nil || heldIDs(ctx, t, b) != "kept" {
		t.Errorf("one that its maker frees: %v", err)
	}
}

// That nobody leads since nothing can be written says what to remove.
func TestFullBusSaysWhatToRemove(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	host, err := bus.StartHost(bus.HostConfig{Store: t.TempDir(), Addr: anyPort, Room: 4 << 20, Log: bustest.Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Close)
	b := busAt(t, host.URL())
	if err := b.SetUp(ctx, bus.SetUp{}); err != nil {
		t.Fatal(err)
	}
	if err := begin(ctx, t, b, "large", 64); !errors.Is(err, mapreduce.ErrNoRoom) {
		t.Fatalf("more was carried than there is room for: %v", err)
	}
	_, err = b.Desk().List(ctx)
	mustSay(t, err, "no coordinator can lead", "jetreduce uploads", "nats stream rm", "stop the workers", "JETREDUCE_RUNS_…, JETREDUCE_PARTS_…")
	if err := b.FreeUpload(ctx, "large", false); err != nil {
		t.Error(err)
	}
	if _, err := b.Desk().List(ctx); errors.Is(err, mapreduce.ErrNoRoom) || !errors.Is(err, mapreduce.ErrNoLeader) {
		t.Errorf("with room again: %v", err)
	}
}
