package bus_test

import (
	"testing"

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
