package bus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

const anyPort = "127.0.0.1:0"

// connect connects like a client that waits.
func connect(ctx context.Context, t *testing.T, url string) *nats.Conn {
	t.Helper()
	nc, err := bus.Connect(ctx, bus.ConnectConfig{URL: url, Wait: true, Log: bustest.Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func urlOf(ctx context.Context, t *testing.T, k *running) string {
	t.Helper()
	url, err := k.URL(ctx)
	if err != nil {
		t.Fatalf("%v; it says %v", err, k.records)
	}
	return url
}

// fillStream adds n messages to the stream of the tests.
func fillStream(ctx context.Context, t *testing.T, nc *nats.Conn, n int) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := js.Publish(ctx, "s", fmt.Appendf(nil, "%d", i)); err != nil {
			t.Fatal(err)
		}
	}
}

func mustHold(ctx context.Context, t *testing.T, nc *nats.Conn, want uint64) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(ctx, "S")
	if err != nil {
		t.Fatal(err)
	}
	if got := stream.CachedInfo().State.Msgs; got != want {
		t.Errorf("the stream holds %d messages, want %d", got, want)
	}
}

// A host that is killed is followed by the next, at the same address with the same streams, until none is left.
func TestBusSurvivesItsHosts(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	c := bus.KeeperConfig{Store: dir, Addr: anyPort}
	host := startProcess(t, c)
	host.await(ctx, t, hosting, 1)
	others := []*process{startProcess(t, c), startProcess(t, c)}
	for _, p := range others {
		p.await(ctx, t, member, 1)
	}
	url, err := bus.BusAddress(dir)
	if err != nil {
		t.Fatal(err)
	}
	nc := connect(ctx, t, url)
	fillStream(ctx, t, nc, 100)
	for kills := range others {
		killAndAwaitNext(ctx, t, host, nc)
		mustHold(ctx, t, nc, uint64(100*(kills+1)))
		fillStream(ctx, t, nc, 100)
		host = hostOf(ctx, t, dir, others)
	}
	if err := host.end(); err != nil {
		t.Errorf("a host that is told to end: %v", err)
	}
}

// killAndAwaitNext kills a host, and waits until a client is connected to the next.
func killAndAwaitNext(ctx context.Context, t *testing.T, host *process, nc *nats.Conn) {
	t.Helper()
	back := nc.StatusChanged(nats.CONNECTED)
	defer nc.RemoveStatusListener(back)
	killed := time.Now()
	_ = host.kill()
	select {
	case <-back:
		t.Logf("kill -9 of the host to the client's connection: %s", time.Since(killed).Round(time.Millisecond))
	case <-ctx.Done():
		t.Fatal("nobody hosts the bus")
	}
}

// hostOf is the process that the store names as its host.
func hostOf(ctx context.Context, t *testing.T, dir string, among []*process) *process {
	t.Helper()
	_, err := bus.OpenBusStore(dir)
	if !errors.Is(err, bus.ErrStoreInUse) {
		t.Fatalf("the store's lock is free: %v", err)
	}
	for _, p := range among {
		if strings.Contains(err.Error(), fmt.Sprintf("process %d:", p.pid())) {
			p.await(ctx, t, hosting, 1)
			return p
		}
	}
	t.Fatalf("%v: it is none of ours", err)
	return nil
}

func TestPausedHostIsNamedAndNotRobbed(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	host := startProcess(t, bus.KeeperConfig{Store: dir, Addr: anyPort})
	host.await(ctx, t, hosting, 1)
	k := runKeeper(ctx, t, bus.KeeperConfig{Store: dir})
	nc := connect(ctx, t, urlOf(ctx, t, k))
	fillStream(ctx, t, nc, 10)
	host.signal(t, syscall.SIGSTOP)
	k.await(ctx, t, noAnswer, 1)
	if want := fmt.Sprintf("bus host pid %d does not answer", host.pid()); k.Trouble() != want {
		t.Errorf("trouble: %q, want %q", k.Trouble(), want)
	}
	host.signal(t, syscall.SIGCONT)
	k.await(ctx, t, answers, 1)
	if k.Trouble() != "" || k.count(hosting) > 0 {
		t.Errorf("trouble afterwards: %q; it said %v", k.Trouble(), k.records)
	}
	mustHold(ctx, t, nc, 10)
}

func TestPausedHostIsFencedWhenAskedFor(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	host := startProcess(t, bus.KeeperConfig{Store: dir, Addr: anyPort})
	host.await(ctx, t, hosting, 1)
	k := runKeeper(ctx, t, bus.KeeperConfig{Store: dir, Fence: true})
	nc := connect(ctx, t, urlOf(ctx, t, k))
	fillStream(ctx, t, nc, 10)
	paused := time.Now()
	host.signal(t, syscall.SIGSTOP)
	k.await(ctx, t, fenced, 1)
	k.await(ctx, t, hosting, 1)
	t.Logf("pause of the host to the next: %s", time.Since(paused).Round(time.Millisecond))
	mustSay(t, host.wait(), "signal: killed")
	mustHold(ctx, t, connect(ctx, t, urlOf(ctx, t, k)), 10)
}

// A number in a file is no proof: only a process that has the lock open is killed for it.
func TestEvictKillsOnlyTheHolder(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("the system does not show who holds a file")
	}
	host, innocent := startProcess(t, bus.KeeperConfig{Store: dir, Addr: anyPort}), startProcess(t, bus.KeeperConfig{Store: t.TempDir(), Addr: anyPort})
	host.await(ctx, t, hosting, 1)
	innocent.await(ctx, t, hosting, 1)
	write(t, filepath.Join(dir, "lock"), fmt.Sprintf("bus 1 %d\n", innocent.pid()))
	mustSay(t, bus.Evict(dir, innocent.pid()), "does not have")
	mustSay(t, bus.Evict(dir, host.pid()), "no longer holds")
	write(t, filepath.Join(dir, "lock"), fmt.Sprintf("bus 1 %d\n", os.Getpid()))
	mustSay(t, bus.Evict(dir, os.Getpid()), "not one to kill")
	if err := errors.Join(innocent.end(), host.end()); err != nil {
		t.Errorf("they were not left alone: %v", err)
	}
	free := startProcess(t, bus.KeeperConfig{Store: t.TempDir(), Addr: anyPort})
	write(t, filepath.Join(dir, "lock"), fmt.Sprintf("bus 1 %d\n", free.pid()))
	mustSay(t, bus.Evict(dir, free.pid()), "no longer holds")
}

// A killed host's lock may be free for a moment before its port is.
func TestPortOfADyingHostIsWaitedFor(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	k := runKeeper(ctx, t, bus.KeeperConfig{Store: t.TempDir(), Addr: l.Addr().String()})
	if until, ok := ctx.Deadline(); ok {
		_ = l.(*net.TCPListener).SetDeadline(until)
	}
	for range 2 {
		conn, err := l.Accept()
		if err != nil {
			t.Fatalf("nobody asks again: %v; it said %v", err, k.records)
		}
		_ = conn.Close()
	}
	_ = l.Close()
	k.await(ctx, t, hosting, 1)
}

// The address of a bus in use does not change: not by what a member was told, and not when that member hosts.
func TestBusKeepsItsAddressWhileItIsInUse(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	first := runKeeper(ctx, t, bus.KeeperConfig{Store: dir, Addr: anyPort})
	url := urlOf(ctx, t, first)
	second := runKeeper(ctx, t, bus.KeeperConfig{Store: dir, Addr: anyPort})
	if got := urlOf(ctx, t, second); got != url {
		t.Errorf("a member uses %s, want %s", got, url)
	}
	if err := first.end(); err != nil {
		t.Error(err)
	}
	second.await(ctx, t, hosting, 1)
	if got, err := bus.BusAddress(dir); err != nil || got != url {
		t.Errorf("the next host listens at %s, %v; want %s", got, err, url)
	}
	connect(ctx, t, url)
}

func TestBusComesBackWhereItWasUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	first := runKeeper(ctx, t, bus.KeeperConfig{Store: dir, Addr: anyPort})
	url := urlOf(ctx, t, first)
	if err := first.end(); err != nil {
		t.Error(err)
	}
	second := runKeeper(ctx, t, bus.KeeperConfig{Store: dir})
	if got := urlOf(ctx, t, second); got != url {
		t.Errorf("the bus comes back at %s, want %s", got, url)
	}
	if err := second.end(); err != nil {
		t.Error(err)
	}
	third := runKeeper(ctx, t, bus.KeeperConfig{Store: dir, Addr: anyPort})
	if got := urlOf(ctx, t, third); got == url {
		t.Errorf("a bus that nobody uses does not move from %s", url)
	}
}

func TestMemberOfABusThatMovedGivesUp(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	store, err := bus.OpenBusStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	host, err := bus.StartHost(bus.HostConfig{Store: dir, Addr: anyPort, Durable: true, Log: bustest.Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	write(t, filepath.Join(dir, "address"), host.URL())
	k := runKeeper(ctx, t, bus.KeeperConfig{Store: dir})
	urlOf(ctx, t, k)
	write(t, filepath.Join(dir, "address"), "nats://127.0.0.1:1")
	k.failed(ctx, t, host.URL(), "nats://127.0.0.1:1", "moved")
}

// Whoever is told to host does not wait for another host.
func TestServeHostsOrFails(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	serving, stop := context.WithCancel(ctx)
	url, done := make(chan string, 1), make(chan error, 1)
	c := bus.ServeConfig{Store: dir, Addr: anyPort, Log: bustest.Quiet()}
	go func() { done <- bus.Serve(serving, c, func(u string) { url <- u }) }()
	nc := connect(ctx, t, <-url)
	if got := nc.ConnectedServerName(); got != bus.DurableServer {
		t.Errorf("the server is called %q, want %q", got, bus.DurableServer)
	}
	mustSay(t, bus.Serve(ctx, c, nil), dir, fmt.Sprint("process ", os.Getpid()), "--store")
	other := bus.ServeConfig{Store: t.TempDir(), Addr: nc.ConnectedAddr(), Log: bustest.Quiet()}
	mustSay(t, bus.Serve(ctx, other, nil), nc.ConnectedAddr(), "another nats-server", "--addr")
	stop()
	if err := <-done; err != nil {
		t.Errorf("told to end: %v", err)
	}
}
