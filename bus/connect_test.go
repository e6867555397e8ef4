package bus_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

// freeAddr is an address at which nothing listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

func startHost(t *testing.T, c bus.HostConfig) *bus.Host {
	t.Helper()
	c.Log = bustest.Quiet()
	h, err := bus.StartHost(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func TestCommandsAreToldAtOnceWhatIsWrong(t *testing.T) {
	t.Parallel()
	free := freeAddr(t)
	for name, c := range map[string]struct {
		addr string
		says []string
	}{
		"nobody":   {free, []string{"no nats-server at " + free, "`jetreduce bus`", "`jetreduce coordinator`", "--server"}},
		"silence":  {listen(t, ""), []string{"no answer within 2s", "--server"}},
		"stranger": {listen(t, "SSH-2.0-x\r\n"), []string{"no nats-server", "--server"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bus.Connect(deadline(t), bus.ConnectConfig{URL: "nats://user:secret@" + c.addr, Log: bustest.Quiet()})
			mustSay(t, err, append(c.says, c.addr)...)
			if err != nil && errors.Is(err, bus.ErrNoServer) != (name == "nobody") {
				t.Errorf("%v is ErrNoServer: %t", err, errors.Is(err, bus.ErrNoServer))
			}
		})
	}
}

func TestDaemonsWaitForTheServerAndSaySoOnce(t *testing.T) {
	t.Parallel()
	ctx, addr, w := deadline(t), freeAddr(t), newWords()
	connected := make(chan error, 1)
	go func() {
		nc, err := bus.Connect(ctx, bus.ConnectConfig{URL: "nats://" + addr, Wait: true, Log: w.log()})
		if err == nil {
			nc.Close()
		}
		connected <- err
	}()
	w.await(ctx, t, "waiting for the bus", 1)
	startHost(t, bus.HostConfig{Store: t.TempDir(), Addr: addr})
	if err := <-connected; err != nil || w.count("waiting for the bus") != 1 {
		t.Errorf("%v; it said %v", err, w.records)
	}
}

func TestDaemonThatIsToldToEndStopsWaiting(t *testing.T) {
	t.Parallel()
	patient := deadline(t)
	ctx, stop := context.WithCancel(patient)
	w, addr := newWords(), freeAddr(t)
	done := make(chan error, 1)
	go func() {
		_, err := bus.Connect(ctx, bus.ConnectConfig{URL: "nats://" + addr, Wait: true, Log: w.log()})
		done <- err
	}()
	w.await(ctx, t, "waiting for the bus", 1)
	stop()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) || !errors.Is(err, bus.ErrNoServer) {
			t.Errorf("%v, want %v and the reason", err, context.Canceled)
		}
	case <-patient.Done():
		t.Error("it waits on")
	}
}

func TestConnectionFindsTheNextServerAndSaysEachChangeOnce(t *testing.T) {
	t.Parallel()
	ctx, addr, w := deadline(t), freeAddr(t), newWords()
	first := startHost(t, bus.HostConfig{Store: t.TempDir(), Addr: addr})
	nc, err := bus.Connect(ctx, bus.ConnectConfig{URL: first.URL(), Log: w.log()})
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	w.await(ctx, t, "bus connection lost", 1)
	startHost(t, bus.HostConfig{Store: t.TempDir(), Addr: addr})
	w.await(ctx, t, "bus connection is back", 1)
	nc.Close()
	if w.count("bus connection lost") != 1 || w.count("bus connection is back") != 1 {
		t.Errorf("it said %v", w.records)
	}
}

func TestDurableHostWritesToTheDiskAndIsCalledSo(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	for durable, name := range map[bool]string{true: bus.DurableServer, false: "jetreduce"} {
		h := startHost(t, bus.HostConfig{Store: t.TempDir(), Addr: anyPort, Durable: durable})
		nc := connect(ctx, t, h.URL())
		if got := nc.ConnectedServerName(); got != name || h.SyncsAlways() != durable {
			t.Errorf("durable %t: called %q, syncs always: %t", durable, got, h.SyncsAlways())
		}
	}
	if h := startHost(t, bus.HostConfig{Store: t.TempDir()}); h.URL() != "" {
		t.Errorf("a host without a port is at %q", h.URL())
	}
}

func TestHostOfAllAddressesIsReachedAtOne(t *testing.T) {
	t.Parallel()
	h := startHost(t, bus.HostConfig{Store: t.TempDir(), Addr: ":0", Insecure: true})
	if got := connect(deadline(t), t, h.URL()).ConnectedAddr(); "nats://"+got != h.URL() {
		t.Errorf("%s is reached at %s", h.URL(), got)
	}
}

func TestTakenPortIsNamedBeforeTheStoreIsTouched(t *testing.T) {
	t.Parallel()
	dir, addr := t.TempDir(), listen(t, "")
	_, err := bus.StartHost(bus.HostConfig{Store: dir, Addr: addr, Log: bustest.Quiet()})
	mustSay(t, err, addr, "--addr")
	if _, err := os.Stat(filepath.Join(dir, "jetstream")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the store was touched: %v", err)
	}
}
