package bus_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// tenant is an account on a real server, whose limits a test may change.
type tenant struct {
	t           *testing.T
	server      *server.Server
	file, store string
}

// newTenant starts a server with an account that has these limits, as a configuration file says them.
func newTenant(t *testing.T, limits string) *tenant {
	t.Helper()
	a := &tenant{t: t, file: filepath.Join(t.TempDir(), "nats.conf"), store: t.TempDir()}
	a.write(limits)
	options, err := server.ProcessConfigFile(a.file)
	if err != nil {
		t.Fatal(err)
	}
	a.server = startServer(t, *options)
	return a
}

func (a *tenant) write(limits string) {
	a.t.Helper()
	write(a.t, a.file, fmt.Sprintf(`
listen: "127.0.0.1:-1"
jetstream: { store_dir: %q }
accounts: { T: { jetstream: { %s }, users: [ {user: t, password: t} ] } }
no_auth_user: t
`, a.store, limits))
}

// allow changes the limits.
func (a *tenant) allow(limits string) {
	a.t.Helper()
	a.write(limits)
	if err := a.server.Reload(); err != nil {
		a.t.Fatal(err)
	}
}

// Whatever the account does not allow is said, with what to do. When that was done, setting up goes on from what it has made.
func TestSetUpThatAnAccountRefusesSaysWhyAndIsCompletedLater(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits, allowed string
		shape, after    bus.Shape
		says            []string
	}{
		"streams":   {"max_streams: 3", "max_streams: 30", bus.Shape{}, bus.Shape{}, []string{"10027", "of 3: jetreduce keeps", "max_streams"}},
		"consumers": {"max_consumers: 1", "max_consumers: 30", bus.Shape{}, bus.Shape{}, []string{"10026", "consumer default-", "max_consumers"}},
		"no bound": {"max_bytes_required: true", "max_bytes_required: true", bus.Shape{}, bus.Shape{MaxBytes: 1 << 20},
			[]string{"10113", "give --max-bytes SIZE"}},
		"bound too large": {"disk_max_stream_bytes: 1048576", "disk_max_stream_bytes: 1048576", bus.Shape{MaxBytes: 2 << 20},
			bus.Shape{MaxBytes: 1 << 20}, []string{"10122", "disk_max_stream_bytes"}},
		"storage": {"max_file: 2097152", "max_file: 209715200", bus.Shape{MaxBytes: 1 << 20}, bus.Shape{MaxBytes: 1 << 20},
			[]string{"10047", "max_store", "1.0 MiB each with --max-bytes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, a := deadline(t), newTenant(t, c.limits)
			setUp := bus.SetUp{Classes: []mapreduce.Class{bustest.Class}, Results: true, Shape: c.shape}
			mustSay(t, busOf(t, a.server).SetUp(ctx, setUp), c.says...)
			mustSay(t, busOf(t, a.server).Provision(ctx, setUp, false, func(bus.Thing) error { return nil }), c.says...)
			a.allow(c.allowed)
			setUp.Shape = c.after
			b := busOf(t, a.server)
			if err := b.SetUp(ctx, setUp); err != nil {
				t.Fatal(err)
			}
			if err := b.Check(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// Work in flight is less, and the queue works.
func TestQueueIsContentWithTheWorkInFlightThatAnAccountAllows(t *testing.T) {
	t.Parallel()
	ctx, a := deadline(t), newTenant(t, "max_ack_pending: 500")
	if err := busOf(t, a.server).SetUp(ctx, bus.SetUp{Results: true}); err != nil {
		t.Fatal(err)
	}
}

func TestLanesThatAnAccountRefusesAreTheirJobsTrouble(t *testing.T) {
	t.Parallel()
	for limits, says := range map[string][]string{
		"max_streams: 12":     {"10027", "fewer partitions (--reduces)", "of 12: jetreduce keeps"},
		"max_file: 12582912":  {"10047", "no room left", "--max-bytes"},
		"max_streams: 100000": nil,
	} {
		t.Run(limits, func(t *testing.T) {
			t.Parallel()
			ctx, b := deadline(t), busOf(t, newTenant(t, limits).server)
			if err := b.SetUp(ctx, bus.SetUp{Results: true, Shape: bus.Shape{MaxBytes: 1 << 20}}); err != nil {
				t.Fatal(err)
			}
			lanes := lanesOf(12)
			_, err := b.Storage().Make(ctx, lanes)
			if says == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			mustSay(t, err, says...)
			if !mapreduce.IsPermanent(err) {
				t.Errorf("it is not said to be the last word: %v", err)
			}
			if err := b.Storage().Drop(ctx, lanes); err != nil {
				t.Error(err)
			}
			if _, err := b.Storage().Make(ctx, lanes[:1]); err != nil {
				t.Errorf("the next job: %v", err)
			}
		})
	}
}

// Nothing old makes way for what is new, and whoever writes learns why.
func TestBoundedStreamThatIsFullRefuses(t *testing.T) {
	t.Parallel()
	ctx, b := deadline(t), busOf(t, newTenant(t, "max_bytes_required: true").server)
	if err := b.SetUp(ctx, bus.SetUp{Results: true, Shape: bus.Shape{MaxBytes: 1 << 20}}); err != nil {
		t.Fatal(err)
	}
	lane := lanesOf(1)[0]
	if _, err := b.Storage().Make(ctx, []mapreduce.Lane{lane}); err != nil {
		t.Fatal(err)
	}
	push, flush := b.Runs().Publisher(ctx)
	var err error
	for range 4 {
		if err == nil {
			err = push(lane, []byte(noise(400<<10, 1)))
		}
	}
	if err == nil {
		err = flush()
	}
	mustSay(t, err, "no room left", "10077", "--max-bytes")
	chunks := 0
	if err := b.Runs().Fetch(ctx, lane, func([]byte) error { chunks++; return nil }); err != nil || chunks != 2 {
		t.Errorf("%d chunks are there, %v; want the first 2", chunks, err)
	}
}

// Who follows the records is not silent about why it cannot.
func TestFollowerWithoutAConsumerSaysSo(t *testing.T) {
	t.Parallel()
	ctx, w := deadline(t), newWords()
	a := newTenant(t, "max_consumers: 2")
	b := busOf(t, a.server)
	if err := b.SetUp(ctx, bus.SetUp{}); err != nil { // one consumer of the queue
		t.Fatal(err)
	}
	for range 3 {
		feed := busOf(t, a.server).OpenFeed(w.log())
		t.Cleanup(feed.Close)
	}
	w.await(ctx, t, "cannot follow a stream, and tries again", 1)
}

// An account may have limits for one number of replicas only.
func TestAccountWithoutLimitsForSoManyReplicasSaysSo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("three servers")
	}
	ctx, servers, w := patient(t), startCluster(t), newWords()
	tiers := func(name string) {
		for _, s := range servers {
			limits := map[string]server.JetStreamAccountLimits{name: {
				MaxMemory: -1, MaxStore: -1, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
			}}
			if err := s.GlobalAccount().UpdateJetStreamLimits(limits); err != nil {
				t.Fatal(err)
			}
		}
	}
	awaitCluster(ctx, t, servers)
	tiers("R1")
	b := busOf(t, servers[0])
	mustSay(t, b.SetUp(ctx, bus.SetUp{Shape: bus.Shape{Replicas: 3}}), "10120", "--replicas")
	if err := b.SetUp(ctx, bus.SetUp{Log: w.log()}); err != nil {
		t.Fatal(err)
	}
	if w.count(bus.AloneWarning) != 1 {
		t.Error("it does not say that state is on one server")
	}
	tiers("R3")
	_, err := b.Storage().Make(ctx, lanesOf(2))
	mustSay(t, err, "10120", "--data-replicas")
}

// awaitCluster waits until three servers have a leader.
func awaitCluster(ctx context.Context, t *testing.T, servers []*server.Server) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		for _, s := range servers {
			if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == len(servers) {
				return
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatal("no leader")
		}
	}
}
