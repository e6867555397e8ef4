package bus_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

// theirs starts a nats-server that is none of ours.
func theirs(t *testing.T, port int) *server.Server {
	t.Helper()
	return startServer(t, server.Options{ServerName: "theirs", Port: port, StoreDir: t.TempDir()})
}

func TestForeignServerIsUsedAndNeverReplaced(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	foreign := theirs(t, server.RANDOM_PORT)
	addr := foreign.Addr().(*net.TCPAddr)
	k := runKeeper(ctx, t, bus.KeeperConfig{Store: dir, Addr: addr.String()})
	if got := urlOf(ctx, t, k); got != "nats://"+addr.String() {
		t.Errorf("the bus is at %s, want %s", got, addr)
	}
	k.await(ctx, t, guest, 1)
	letGo(t, openBus(t, dir)) // a guest does not hold the lock
	stopServer(foreign)
	k.await(ctx, t, "nats-server does not answer", 1)
	if !strings.Contains(k.Trouble(), addr.String()) || k.count(hosting) > 0 {
		t.Errorf("trouble: %q; it said %v", k.Trouble(), k.records)
	}
	theirs(t, addr.Port)
	k.await(ctx, t, "nats-server answers again", 1)
	if err := k.end(); err != nil || k.Trouble() != "" {
		t.Errorf("ended with %v, %q", err, k.Trouble())
	}
}

func TestForeignServerWithoutJetStreamIsRefused(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	addr := startServer(t, server.Options{Port: server.RANDOM_PORT}).Addr().String()
	runKeeper(ctx, t, bus.KeeperConfig{Store: t.TempDir(), Addr: addr}).failed(ctx, t, addr, "no JetStream", "-js")
	_, err := bus.Connect(ctx, bus.ConnectConfig{URL: "nats://" + addr, Wait: true, Log: bustest.Quiet()})
	mustSay(t, err, addr, "no JetStream", "-js", "--server")
}

// listen listens, and greets whoever connects.
func listen(t *testing.T, greeting string) string {
	t.Helper()
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(greeting))
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-gone
	})
	return l.Addr().String()
}

func TestWhatIsNoServerIsNamed(t *testing.T) {
	t.Parallel()
	for greeting, want := range map[string]string{"": "says nothing", "SSH-2.0-x\r\n": "no nats-server", "login: ": "no nats-server"} {
		t.Run(greeting, func(t *testing.T) {
			t.Parallel()
			ctx, addr, dir := deadline(t), listen(t, greeting), t.TempDir()
			runKeeper(ctx, t, bus.KeeperConfig{Store: dir, Addr: addr}).failed(ctx, t, addr, want, "--addr")
			if _, err := os.Stat(filepath.Join(dir, "jetstream")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the store was touched: %v", err)
			}
			err := bus.Serve(ctx, bus.ServeConfig{Store: dir, Addr: addr, Log: bustest.Quiet()}, func(string) { t.Error("served") })
			mustSay(t, err, addr, want, "--addr")
		})
	}
}

// A server that took the address of a bus in use has none of its streams.
func TestAddressLostToAnotherServerIsAnError(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	store, err := bus.OpenBusStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	foreign := theirs(t, server.RANDOM_PORT)
	write(t, filepath.Join(dir, "address"), foreign.ClientURL())
	k := runKeeper(ctx, t, bus.KeeperConfig{Store: dir})
	urlOf(ctx, t, k)
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	k.failed(ctx, t, foreign.Addr().String(), "another nats-server")
}
