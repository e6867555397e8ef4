package bus_test

import (
	"errors"
	"testing"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

// A direct get may go to a server that is paused. Who stands by looks several times a second, and must see for a second without a gap that
// nobody leads.
func TestWhoStandsByAsksNoReplica(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	nc := s.Conn()
	asked, err := nc.SubscribeSync("$JS.API.DIRECT.GET.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	b := s.Bus()
	epoch, err := takeEpoch(ctx, b, "leader")
	if err != nil {
		t.Fatal(err)
	}
	seen, err := b.Sight("standby").Look(ctx)
	if err != nil || seen.Epoch != epoch {
		t.Fatalf("saw %+v, %v, want epoch %d", seen, err, epoch)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if n, _, err := asked.Pending(); err != nil || n > 0 {
		t.Errorf("%d direct gets, %v", n, err)
	}
}

// Who may not look hears that, and does not stand by in vain.
func TestWhoMayNotLookHearsIt(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := withJetStream(t, `authorization { users: [
		{user: all, password: p}
		{user: blind, password: p, permissions { publish: { deny: ["$JS.API.STREAM.MSG.GET.>"] } } }] }`)
	as := func(user string) *bus.Bus { return busAt(t, "nats://"+user+":p@"+s.Addr().String()) }
	if err := as("all").SetUp(ctx, bus.SetUp{}); err != nil {
		t.Fatal(err)
	}
	if _, err := takeEpoch(ctx, as("all"), "leader"); err != nil {
		t.Fatal(err)
	}
	if _, err := as("blind").Sight("standby").Look(ctx); !errors.Is(err, bus.ErrDenied) || ctx.Err() != nil {
		t.Errorf("it sees %v", err)
	}
}
