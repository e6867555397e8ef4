package bus_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
)

// oneOfACluster is a configuration of a server whose only route is to itself: a cluster of one, which elects itself.
func oneOfACluster(t *testing.T) string {
	t.Helper()
	route := freeAddr(t)
	return config(t, fmt.Sprintf("listen: '127.0.0.1:-1', server_name: a\ncluster { name: c, listen: %q, routes: [nats://%s] }", route, route))
}

// storeOne makes a stream on a bus and stores a message there, as clients do.
func storeOne(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	js, err := jetstream.New(connect(ctx, t, url))
	if err == nil {
		_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept"}})
	}
	if err == nil {
		_, err = js.Publish(ctx, "kept", []byte("precious"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// stored is how many messages are there of those that storeOne stored.
func stored(ctx context.Context, t *testing.T, url string) uint64 {
	t.Helper()
	js, err := jetstream.New(connect(ctx, t, url))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(ctx, "KEPT")
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

// A cluster would not know the streams of a single server, and make others of the same names; all that was submitted would be lost.
func TestStreamsOfASingleServerAreNotServedInACluster(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	alone := bus.ServeConfig{Store: dir, Addr: anyPort}
	s := serveBus(ctx, t, alone)
	storeOne(ctx, t, s.url)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	address, err := bus.BusAddress(dir)
	if err != nil {
		t.Fatal(err)
	}
	cluster := bus.ServeConfig{Store: dir, Config: oneOfACluster(t)}
	isNotServed(ctx, t, cluster, dir, "by a single server", "empty directory", "--store", "results")
	if after, err := bus.BusAddress(dir); err != nil || after != address {
		t.Errorf("the address was %s and is %s: %v", address, after, err)
	}
	if n := stored(ctx, t, serveBus(ctx, t, alone).url); n != 1 {
		t.Errorf("%d messages, want the one", n)
	}
}

// The other way round it is the same, with a configuration and without one.
func TestStreamsOfAClusterAreNotServedByASingleServer(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	file := oneOfACluster(t)
	cluster := bus.ServeConfig{Store: dir, Config: file}
	if err := serveBus(ctx, t, cluster).stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "guarded")); err != nil { // or that would refuse it
		t.Fatal(err)
	}
	single := config(t, "listen: '127.0.0.1:-1', server_name: a")
	for _, c := range []bus.ServeConfig{{Store: dir, Addr: anyPort}, {Store: dir, Config: single}} {
		isNotServed(ctx, t, c, dir, "by a server of a cluster", "cluster block", "--store", "results")
	}
	runKeeper(ctx, t, bus.KeeperConfig{Store: dir, Addr: anyPort}).failed(ctx, t, "by a server of a cluster", "--store")
	if err := serveBus(ctx, t, cluster).stop(); err != nil {
		t.Errorf("as before: %v", err)
	}
}

// A store that holds no stream is anybody's.
func TestStoreWithoutStreamsIsServedInACluster(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	single := config(t, "listen: '127.0.0.1:-1', server_name: a")
	for _, file := range []string{single, oneOfACluster(t)} {
		if err := serveBus(ctx, t, bus.ServeConfig{Store: dir, Config: file}).stop(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// guardedFile serves a store once, and returns the file that then says how it is guarded.
func guardedFile(ctx context.Context, t *testing.T, c bus.ServeConfig, dir string) os.FileInfo {
	t.Helper()
	c.Store, c.Addr = dir, anyPort
	if err := serveBus(ctx, t, c).stop(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "guarded"))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// What says that a store is guarded is whole at any time: it is written only when it changes, and then beside.
func TestHowAStoreIsGuardedIsNeverHalfWritten(t *testing.T) {
	t.Parallel()
	ctx, dir, ways := deadline(t), t.TempDir(), guardedWays(t)
	first := guardedFile(ctx, t, ways["--config"], dir)
	if again := guardedFile(ctx, t, ways["--config"], dir); !os.SameFile(first, again) || !first.ModTime().Equal(again.ModTime()) {
		t.Error("it is written again, and says the same")
	}
	kept := filepath.Join(t.TempDir(), "kept") // so that its number is not given to another file
	if err := os.Link(filepath.Join(dir, "guarded"), kept); err != nil {
		t.Fatal(err)
	}
	if other := guardedFile(ctx, t, ways["--config --tlscert"], dir); os.SameFile(first, other) {
		t.Error("another text is written into the file that is read")
	}
	write(t, filepath.Join(dir, "guarded.new"), "--conf") // by a process that was killed
	guardedFile(ctx, t, ways["--config --tlscert"], dir)
}

// An earlier jetreduce may have been killed while it wrote the file: what it would have said is not known, but that it guards is.
func TestEmptyFileGuards(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "--con"} {
		ctx, dir := deadline(t), t.TempDir()
		c := guardedWays(t)["--config"]
		c.Store, c.Addr = dir, anyPort
		if err := serveBus(ctx, t, c).stop(); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "guarded"), text)
		isNotServed(ctx, t, bus.ServeConfig{Store: dir, Addr: anyPort}, "logins or TLS", filepath.Join(dir, "guarded"))
		runKeeper(ctx, t, bus.KeeperConfig{Store: dir}).failed(ctx, t, "logins or TLS", "--server URL")
		if err := serveBus(ctx, t, c).stop(); err != nil {
			t.Errorf("with what it may have been: %v", err)
		}
		if now, err := os.ReadFile(filepath.Join(dir, "guarded")); err != nil || !strings.Contains(string(now), "--config ") {
			t.Errorf("it says %q: %v", now, err)
		}
	}
}
