package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

const stateBucket = "KV_jetreduce-state"

// takeEpoch takes the epoch after the one that stands.
func takeEpoch(ctx context.Context, b *bus.Bus, process string) (mapreduce.Epoch, error) {
	standing, err := b.Sight(process).Look(ctx)
	if err != nil {
		return 0, err
	}
	return b.Lease(process).Acquire(ctx, standing.Epoch)
}

func TestOfTwoTakeoversOneWins(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	leases := []*bus.Lease{s.Bus().Lease("a"), s.Bus().Lease("b")}
	var standing mapreduce.Epoch
	for range 30 {
		var won [2]mapreduce.Epoch
		var errs [2]error
		var racing sync.WaitGroup
		for i, lease := range leases {
			racing.Go(func() { won[i], errs[i] = lease.Acquire(ctx, standing) })
		}
		racing.Wait()
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		if errs[winner] != nil || !errors.Is(errs[1-winner], mapreduce.ErrDeposed) || won[winner] <= standing {
			t.Fatalf("after %d: %v, %v", standing, won, errs)
		}
		standing = won[winner]
	}
}

func TestDeposedLeaseIsNeitherRenewedNorReleased(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	old, err := takeEpoch(ctx, b, "old")
	if err != nil {
		t.Fatal(err)
	}
	lease := b.Lease("old")
	if err := lease.Renew(ctx, old); err != nil {
		t.Fatalf("the leader cannot renew: %v", err)
	}
	next, err := takeEpoch(ctx, s.Bus(), "new")
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Renew(ctx, old); !errors.Is(err, mapreduce.ErrDeposed) {
		t.Errorf("the deposed leader renews: %v, want %v", err, mapreduce.ErrDeposed)
	}
	if err := lease.Release(ctx, old); !errors.Is(err, mapreduce.ErrDeposed) {
		t.Errorf("the deposed leader releases: %v, want %v", err, mapreduce.ErrDeposed)
	}
	if err := b.Journal(old).Write(ctx, mapreduce.Record{Version: 1, UID: "u1", State: mapreduce.Queued}); !errors.Is(err, mapreduce.ErrDeposed) {
		t.Errorf("the deposed leader writes: %v, want %v", err, mapreduce.ErrDeposed)
	}
	seen, err := b.Sight("third").Look(ctx)
	if want := (mapreduce.Leadership{Epoch: next, Revision: uint64(next), Holder: "new"}); err != nil || seen != want {
		t.Errorf("seen: %+v, %v; want %+v", seen, err, want)
	}
}

func TestSightSeesTakeoversRenewalsAndReleases(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	sight, one, two := s.Bus().Sight("watcher"), s.Bus().Lease("one"), s.Bus().Lease("two")
	var last mapreduce.Leadership
	look := func(what string, moves bool, want mapreduce.Leadership) {
		t.Helper()
		seen, err := sight.Look(ctx)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if moved := seen.Revision > last.Revision; moved != moves {
			t.Errorf("%s: the revision went from %d to %d", what, last.Revision, seen.Revision)
		}
		last, seen.Revision = seen, 0
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	must := func(epoch mapreduce.Epoch, err error) mapreduce.Epoch {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return epoch
	}
	look("nobody leads", false, mapreduce.Leadership{})
	epoch := must(one.Acquire(ctx, 0))
	look("taken", true, mapreduce.Leadership{Epoch: epoch, Holder: "one"})
	look("nothing happened", false, mapreduce.Leadership{Epoch: epoch, Holder: "one"})
	must(0, one.Renew(ctx, epoch))
	look("renewed", true, mapreduce.Leadership{Epoch: epoch, Holder: "one"})
	must(0, one.Release(ctx, epoch))
	look("released", true, mapreduce.Leadership{Epoch: epoch, Holder: "one", Released: true})
	epoch = must(two.Acquire(ctx, epoch))
	look("taken again: the old lease was released, not this", true, mapreduce.Leadership{Epoch: epoch, Holder: "two"})
}

func TestLookProvesThatTheBusTakesWrites(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	sight := s.Bus().Sight("watcher")
	if _, err := sight.Look(ctx); err != nil {
		t.Fatal(err)
	}
	state := stateStream(ctx, t, s.Conn())
	config := state.CachedInfo().Config
	config.Sealed = true // it can still be read
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.UpdateStream(ctx, config); err != nil {
		t.Fatal(err)
	}
	if seen, err := sight.Look(ctx); err == nil {
		t.Errorf("seen: %+v, on a bus that takes no write", seen)
	}
}

func TestStandbyThatLeavesTakesItsProbeAlong(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	going, staying := s.Bus().Sight("going"), s.Bus().Sight("staying")
	for _, sight := range []*bus.Sight{going, staying} {
		if _, err := sight.Look(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := going.Leave(ctx); err != nil {
		t.Fatal(err)
	}
	info, err := stateStream(ctx, t, s.Conn()).Info(ctx, jetstream.WithSubjectFilter("$KV.jetreduce-state.probe.>"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]uint64{"$KV.jetreduce-state.probe.staying": 1}, info.State.Subjects); diff != "" {
		t.Errorf("probes: %s", diff)
	}
}

func TestProcessNameThatIsNoTokenIsRefused(t *testing.T) {
	t.Parallel()
	ctx, b := deadline(t), bustest.Start(t, patience).Bus()
	for _, name := range []string{"", "a.b", "*", ">", "a b"} {
		_, err1 := b.Lease(name).Acquire(ctx, 0)
		_, err2 := b.Sight(name).Look(ctx)
		if !mapreduce.IsPermanent(err1) || !mapreduce.IsPermanent(err2) {
			t.Errorf("%q: acquire: %v; look: %v", name, err1, err2)
		}
	}
}

func TestRenewalWithoutAnswerEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := startServer(t, server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()})
	b := busOf(t, s)
	if err := b.SetUp(ctx, bus.SetUp{}); err != nil {
		t.Fatal(err)
	}
	epoch, err := takeEpoch(ctx, b, "a")
	if err != nil {
		t.Fatal(err)
	}
	stopServer(s)
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if err := b.Lease("a").Renew(short, epoch); err == nil || errors.Is(err, mapreduce.ErrDeposed) || ctx.Err() != nil {
		t.Errorf("renewal without a server: %v", err)
	}
}

// A replicated stream refuses a fenced write while another is on its way; a leader records while it renews.
func TestRenewalBesideRecordsIsNoDeposition(t *testing.T) {
	t.Parallel()
	ctx, servers := deadline(t), startCluster(t)
	b := busOf(t, servers[0])
	replicate(ctx, t, servers[0].ClientURL())
	epoch, err := takeEpoch(ctx, b, "a")
	if err != nil {
		t.Fatal(err)
	}
	lease := busOf(t, servers[1]).Lease("a")
	group, groupCtx := errgroup.WithContext(ctx)
	for i := range 4 {
		record := mapreduce.Record{Version: 1, UID: mapreduce.UID(fmt.Sprintf("u%d", i)), State: mapreduce.Queued}
		journal := busOf(t, servers[i%3]).Journal(epoch)
		group.Go(func() error {
			for range 50 {
				if err := errors.Join(journal.Write(groupCtx, record), lease.Renew(groupCtx, epoch)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Errorf("nobody else leads: %v", err)
	}
}

// replicate makes the state bucket on all servers, as soon as they have found each other.
func replicate(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	config := jetstream.StreamConfig{
		Name: stateBucket, Subjects: []string{"$KV.jetreduce-state.>"}, MaxMsgsPerSubject: 1, AllowDirect: true, Replicas: 3,
	}
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, time.Second)
		_, err := js.CreateStream(try, config)
		cancel()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-ticker.C:
		}
	}
}

func stateStream(ctx context.Context, t *testing.T, nc *nats.Conn) jetstream.Stream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(ctx, stateBucket)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}
