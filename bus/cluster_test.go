package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// patient is deadline for what a cluster may need an election or two for. What servers alone would do takes minutes, or never
// happens.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func replicasOf(ctx context.Context, t *testing.T, nc *nats.Conn) map[string]int {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	// Each is asked for by its name: a list in a cluster leaves out whom a server has not yet heard of over its route.
	replicas := map[string]int{}
	names := js.StreamNames(ctx)
	for name := range names.Name() {
		stream, err := js.Stream(ctx, name)
		if err != nil {
			t.Fatal(name, err)
		}
		replicas[name] = stream.CachedInfo().Config.Replicas
	}
	if names.Err() != nil {
		t.Fatal(names.Err())
	}
	return replicas
}

func TestClusterKeepsStateThreeTimesAndLanesOnce(t *testing.T) {
	t.Parallel()
	ctx, c := patient(t), bustest.StartCluster(t, patience)
	b := c.Bus()
	if err := b.Uploads().Make(ctx, "up"); err != nil {
		t.Fatal(err)
	}
	lanes := lanesOf(6)
	if gone, err := b.Storage().Make(ctx, lanes); err != nil || len(gone) > 0 {
		t.Fatal(gone, err)
	}
	got := replicasOf(ctx, t, c.Conn())
	for name, n := range got {
		want := 3
		if strings.Contains(name, "_RUNS_") {
			want = 1
		}
		if n != want {
			t.Errorf("stream %s has %d replicas, want %d", name, n, want)
		}
	}
	if len(got) != 14 {
		t.Errorf("%d streams, want 6 lanes, an upload and 7 more: %v", len(got), got)
	}
	if err := b.SetUp(ctx, bus.SetUp{Classes: []mapreduce.Class{bustest.Class}, AckWait: patience, Results: true}); err != nil {
		t.Errorf("set up again: %v", err)
	}
}

// Another cluster, too small, is played: to be refused by a real one takes a server that is not there.
func TestClusterThatIsTooSmallKeepsStateOnceAndSaysSo(t *testing.T) {
	t.Parallel()
	ctx, w := patient(t), newWords()
	const few = `{"error":{"code":400,"err_code":10005,"description":"no suitable peers for placement"}}`
	fake := startServer(t, server.Options{Port: server.RANDOM_PORT,
		Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: server.RANDOM_PORT}})
	nc := connectPlain(t, fake)
	var made atomic.Int64
	answer := func(msg *nats.Msg) {
		switch {
		case strings.Contains(msg.Subject, "INFO"):
			_ = msg.Respond([]byte(noStream))
		case strings.Contains(string(msg.Data), `"num_replicas":3`):
			_ = msg.Respond([]byte(few))
		default:
			made.Add(1)
			_ = msg.Respond([]byte(`{"config":{"name":"x"},"name":"x"}`))
		}
	}
	if _, err := nc.Subscribe("$JS.API.>", answer); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := busOf(t, fake).SetUp(ctx, bus.SetUp{Results: true, Log: w.log()}); err != nil {
		t.Fatal(err)
	}
	if n := w.count(bus.AloneWarning); n != 1 || made.Load() != 8 {
		t.Errorf("said %d times that the cluster is small, made %d streams and consumers; want 1 and 8", n, made.Load())
	}
}

// What was made when there were fewer servers stays on one, and is named at each start.
func TestStateOnOneServerOfThreeIsNamed(t *testing.T) {
	t.Parallel()
	ctx, c, w := patient(t), bustest.StartBareCluster(t), newWords()
	js, err := jetstream.New(c.Conn())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "JETREDUCE_PLANS", Subjects: []string{"jetreduce.plans.>"}, Metadata: map[string]string{"jetreduce.version": "1"},
	}); err != nil {
		t.Fatal(err)
	}
	for start := range 2 {
		if err := c.Bus().SetUp(ctx, bus.SetUp{Log: w.log()}); err != nil {
			t.Fatal(err)
		}
		if n := w.count(bus.AloneWarning); n != start+1 {
			t.Errorf("said %d times after %d starts", n, start+1)
		}
	}
}

func lanesOf(n int) []mapreduce.Lane {
	var lanes []mapreduce.Lane
	for i := range n {
		lanes = append(lanes, mapreduce.Lane{UID: "u1", Reader: mapreduce.Reduce, Partition: i, Generation: 1})
	}
	return lanes
}

func laneStream(lane mapreduce.Lane) string {
	return fmt.Sprintf("JETREDUCE_RUNS_%s_%d_%d", lane.UID, lane.Generation, lane.Partition)
}

func fill(t *testing.T, b *bus.Bus, lanes ...mapreduce.Lane) {
	t.Helper()
	push, flush := b.Runs().Publisher(deadline(t))
	for _, lane := range lanes {
		if err := push(lane, []byte(lane.String())); err != nil {
			t.Fatal(err)
		}
	}
	if err := flush(); err != nil {
		t.Fatal(err)
	}
}

func publishOn(ctx context.Context, b *bus.Bus, lane mapreduce.Lane) error {
	push, flush := b.Runs().Publisher(ctx)
	return errors.Join(push(lane, []byte("x")), flush())
}

// scene is a cluster with lanes on all of its servers, of which one is killed that leads nothing else.
type scene struct {
	*bustest.Cluster
	bus    *bus.Bus
	victim int
	away   []mapreduce.Lane // those on the victim
	there  []mapreduce.Lane
}

// killWithLanes kills a server that has lanes. Which one does not lead the cluster, or the state: then nothing but its lanes
// is missed, and no election is waited for.
func killWithLanes(t *testing.T) scene {
	t.Helper()
	ctx, c := patient(t), bustest.StartCluster(t, patience)
	s := scene{Cluster: c}
	busy := map[int]bool{c.MetaLeader(): true, c.LeaderOf(stateBucket): true}
	for busy[s.victim] {
		s.victim++
	}
	s.bus = c.BusAt((s.victim + 1) % bustest.Servers)
	lanes := lanesOf(24)
	if gone, err := s.bus.Storage().Make(ctx, lanes); err != nil || len(gone) > 0 {
		t.Fatal(gone, err)
	}
	fill(t, s.bus, lanes...)
	for _, lane := range lanes {
		if c.LeaderOf(laneStream(lane)) == s.victim {
			s.away = append(s.away, lane)
		} else {
			s.there = append(s.there, lane)
		}
	}
	if len(s.away) == 0 {
		t.Fatal("no lane is on the server that is to be killed")
	}
	c.Kill(s.victim)
	return s
}

func TestLanesOfADeadServerAreGoneAndOthersGoOn(t *testing.T) {
	t.Parallel()
	s := killWithLanes(t)
	ctx, storage := patient(t), s.bus.Storage()
	gone, err := storage.Make(ctx, append(s.there, s.away...))
	if err != nil || !sameLanes(gone, s.away) {
		t.Errorf("gone are %v, %v; want %v", gone, err, s.away)
	}
	moved := s.moveOn(t, gone)
	fill(t, s.bus, append(moved, s.there...)...)
	other := s.Bus()
	s.mustLose(t, other, s.away[0], 4*time.Second)
	s.mustLose(t, other, s.away[0], 0) // that was waited for already
	for _, lane := range s.there {
		if err := s.bus.Runs().Fetch(ctx, lane, func([]byte) error { return nil }); err != nil {
			t.Errorf("a lane of another server: %v", err)
		}
	}
	s.mustDrop(t, append(s.there, s.away...))
}

// moveOn makes lanes instead of those that are gone. Of the first, some may be put onto the dead server; of the next no more.
func (s scene) moveOn(t *testing.T, gone []mapreduce.Lane) []mapreduce.Lane {
	t.Helper()
	next := slices.Clone(gone)
	for range 2 {
		for i := range next {
			next[i].Generation++
		}
		again, err := s.bus.Storage().Make(patient(t), next)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) == 0 {
			return next
		}
	}
	t.Fatalf("%d of %d lanes that are made instead of others are gone, too", len(next), len(gone))
	return nil
}

// mustLose reads and writes a lane of the dead server, at one time.
func (s scene) mustLose(t *testing.T, b *bus.Bus, lane mapreduce.Lane, least time.Duration) {
	t.Helper()
	ctx := patient(t)
	var asking sync.WaitGroup
	lost := func(what string, do func() error) {
		asking.Go(func() {
			began := time.Now()
			if err := do(); !errors.Is(err, mapreduce.ErrRunsLost) {
				t.Errorf("%s: %v, want %v", what, err, mapreduce.ErrRunsLost)
			}
			if took := time.Since(began); took < least {
				t.Errorf("%s: given up after %s", what, took)
			}
		})
	}
	lost("fetch", func() error {
		return b.Runs().Fetch(ctx, lane, func([]byte) error { return errors.New("a chunk from a dead server") })
	})
	lost("publish", func() error { return publishOn(ctx, b, lane) })
	asking.Wait()
}

// mustDrop drops lanes and looks whether the cluster knows any of them.
func (s scene) mustDrop(t *testing.T, lanes []mapreduce.Lane) {
	t.Helper()
	ctx := patient(t)
	if err := s.bus.Storage().Drop(ctx, lanes); err != nil {
		t.Error(err)
	}
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	known := js.StreamNames(ctx, jetstream.WithStreamListSubject("jetreduce.runs.u1.1.*"))
	for name := range known.Name() {
		t.Errorf("%s is still known", name)
	}
	if known.Err() != nil {
		t.Error(known.Err())
	}
}

func sameLanes(got, want []mapreduce.Lane) bool {
	set := map[mapreduce.Lane]bool{}
	for _, lane := range got {
		set[lane] = true
	}
	for _, lane := range want {
		if !set[lane] {
			return false
		}
	}
	return len(got) == len(want)
}

// A cluster without a leader knows nothing of its lanes: that is no reason to give them up, though a server answers.
func TestBusThatIsAwayIsNotLanesThatAreGone(t *testing.T) {
	t.Parallel()
	ctx, c := patient(t), bustest.StartCluster(t, patience)
	b, lanes := c.BusAt(0), lanesOf(6)
	if gone, err := b.Storage().Make(ctx, lanes); err != nil || len(gone) > 0 {
		t.Fatal(gone, err)
	}
	fill(t, b, lanes...)
	js, err := jetstream.New(c.ConnAt(0))
	if err != nil {
		t.Fatal(err)
	}
	c.Kill(1)
	c.Kill(2)
	killed := time.Now()
	var asking errgroup.Group
	asking.Go(func() error {
		gone, err := b.Storage().Make(ctx, lanes)
		if err == nil && len(gone) > 0 {
			err = fmt.Errorf("gone are %v", gone)
		}
		return err
	})
	for _, lane := range lanes {
		asking.Go(func() error { return b.Runs().Fetch(ctx, lane, func([]byte) error { return nil }) })
		asking.Go(func() error { return publishOn(ctx, b, lane) })
	}
	for err == nil && time.Since(killed) < 6*time.Second { // a second more than a lane is waited for
		asked, cancel := context.WithTimeout(ctx, time.Second)
		if _, away := js.Publish(asked, "jetreduce.plans.alive", nil); away == nil {
			err = errors.New("the bus is not away")
		}
		cancel()
	}
	if err != nil {
		t.Fatal(err)
	}
	c.Start(1)
	c.Start(2)
	if err := asking.Wait(); err != nil {
		t.Error(err)
	}
}
