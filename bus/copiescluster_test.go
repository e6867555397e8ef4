package bus_test

import (
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// What is read of a lane with copies is compared with what its leader holds: a server that lags is asked again, but not for ever for what
// nobody holds any more.
func TestWhatNobodyHoldsOfALaneOfThreeIsLost(t *testing.T) {
	t.Parallel()
	ctx, c := patient(t), bustest.StartCluster(t, patience)
	b, lanes := c.Bus(), lanesOf(3)
	if err := b.SetUp(ctx, bus.SetUp{Shape: bus.Shape{DataReplicas: 3}}); err != nil {
		t.Fatal(err)
	}
	if gone, err := b.Storage().Make(ctx, lanes); err != nil || len(gone) > 0 {
		t.Fatal(gone, err)
	}
	b.KnowCopies(lanes[0].UID, 3)
	for range 3 {
		fill(t, b, lanes...)
	}
	harm := map[mapreduce.Lane]func(ctx context.Context, s jetstream.Stream) error{
		lanes[0]: func(ctx context.Context, s jetstream.Stream) error { return s.Purge(ctx) },
		lanes[1]: func(ctx context.Context, s jetstream.Stream) error { return s.DeleteMsg(ctx, 3) },
		lanes[2]: func(context.Context, jetstream.Stream) error { return nil },
	}
	for i, left := range []int{0, 2, 3} {
		checkLeft(ctx, t, c, b, lanes[i], harm[lanes[i]], left)
	}
}

// checkLeft does harm to a lane of three messages, and fetches what is left.
func checkLeft(ctx context.Context, t *testing.T, c *bustest.Cluster, b *bus.Bus, lane mapreduce.Lane,
	harm func(context.Context, jetstream.Stream) error, left int) {
	t.Helper()
	js, err := jetstream.New(c.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(ctx, laneStream(lane))
	if err == nil {
		err = harm(ctx, stream)
	}
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().Config.Replicas; n != 3 {
		t.Fatalf("%s has %d copies", lane, n)
	}
	chunks := 0
	err = b.Runs().Fetch(ctx, lane, func([]byte) error { chunks++; return nil })
	if errors.Is(err, mapreduce.ErrRunsLost) != (left < 3) || chunks != left || left == 3 && err != nil {
		t.Errorf("of %s came %d chunks of %d, %v", lane, chunks, left, err)
	}
}
