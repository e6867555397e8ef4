package bus_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

const (
	noRoom    = "the bus has no room left: remove jobs or streams that nobody needs, or free disk space"
	roomAgain = "the bus has room again"
)

// publishKilobytes publishes into the stream of the tests, one message after the other.
func publishKilobytes(ctx context.Context, t *testing.T, nc *nats.Conn, messages ...int) (refused error) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for _, kilobytes := range messages {
		_, err := js.Publish(ctx, "s", []byte(noise(kilobytes<<10, 1)))
		refused = errors.Join(refused, err)
	}
	return refused
}

// What a store holds is no part of what the disk has left: counted as such, a large store would be full when it is opened.
func TestStoreLargerThanWhatIsFreeIsServedAgain(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	start := func(free int64) (*bus.Host, *nats.Conn) {
		host, err := bus.StartHost(bus.HostConfig{Store: dir, Addr: anyPort, Log: bustest.Quiet()}.OnDiskWith(free))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(host.Close)
		return host, connect(ctx, t, host.URL())
	}
	host, nc := start(1 << 30)
	fillStream(ctx, t, nc, 0)
	if err := publishKilobytes(ctx, t, nc, 900, 900, 900, 900, 900, 900, 900, 900); err != nil {
		t.Fatal(err)
	}
	host.Close()
	host, nc = start(2 << 20)
	if err := publishKilobytes(ctx, t, nc, 900); err != nil || host.Trouble() != nil {
		t.Errorf("the store is full at once: %v, %v", err, host.Trouble())
	}
	if err := publishKilobytes(ctx, t, nc, 900, 900, 900); err == nil {
		t.Error("it takes more than what is free")
	}
}

func TestFullBusOfAHostIsWaitedOut(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	k := runKeeper(ctx, t, bus.KeeperConfig{Store: dir, Addr: anyPort, Room: 2 << 20})
	nc := connect(ctx, t, urlOf(ctx, t, k))
	fillStream(ctx, t, nc, 0)
	for round := range 2 {
		if err := publishKilobytes(ctx, t, nc, 900, 900, 900, 900); err == nil {
			t.Fatal("more was stored than there is room for")
		}
		k.await(ctx, t, noRoom, round+1)
		if k.Trouble() == "" {
			t.Error("it does not say that it has trouble")
		}
		if _, err := nc.Request("$JS.API.STREAM.PURGE.S", nil, patience); err != nil {
			t.Fatal(err)
		}
		k.await(ctx, t, roomAgain, round+1)
		if err := publishKilobytes(ctx, t, nc, 1); err != nil || k.Trouble() != "" {
			t.Errorf("with room again: %v, %q", err, k.Trouble())
		}
	}
	if err := k.end(); err != nil || k.count(noRoom) != 2 {
		t.Errorf("ended with %v; it said %v", err, k.records)
	}
}

// A stream that could not be written to stores nothing any more before its server is started again, and says nothing.
func TestHostWhoseDiskFailsSaysWhyAndLetsGo(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	k := runKeeper(ctx, t, bus.KeeperConfig{Store: dir, Addr: anyPort})
	nc := connect(ctx, t, urlOf(ctx, t, k))
	fillStream(ctx, t, nc, 1)
	blocks := filepath.Join(dir, "jetstream", "$G", "streams", "S", "msgs")
	if err := os.RemoveAll(blocks); err != nil {
		t.Fatal(err)
	}
	write(t, blocks, "no directory")
	for range 40 { // more than a block; answers are not waited for, since the host may end before the last
		_ = nc.Publish("s", make([]byte, 500_000))
	}
	k.failed(ctx, t, "gave up", "not a directory")
	if !errors.Is(k.err, mapreduce.ErrNoRoom) {
		t.Errorf("the host gave up: %v, want %v", k.err, mapreduce.ErrNoRoom)
	}
	letGo(t, openBus(t, dir))
}

// The limit of a bus is that of when it was started: with more room on the disk it is started again, where it was.
func TestFullBusIsStartedAgainWhenTheDiskHasMoreRoom(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	var free atomic.Int64
	free.Store(4 << 20)
	w, served := newWords(), make(chan string, 1)
	serving, end := context.WithCancel(ctx)
	defer end()
	over := make(chan error, 1)
	go func() {
		c := bus.ServeConfig{Store: dir, Addr: anyPort, Log: w.log()}.OnDiskWith(free.Load)
		over <- bus.Serve(serving, c, func(url string) { served <- url })
	}()
	url := <-served
	nc := connect(ctx, t, url)
	fillStream(ctx, t, nc, 0)
	if err := publishKilobytes(ctx, t, nc, 900, 900, 900, 900, 900); err == nil {
		t.Fatal("more was stored than there is room for")
	}
	free.Store(1 << 30)
	w.await(ctx, t, "the disk has more room: the bus is started again, to use it", 1)
	w.await(ctx, t, "hosting the bus", 2)
	if err := publishKilobytes(ctx, t, connect(ctx, t, url), 900, 900, 900); err != nil {
		t.Errorf("with more room: %v", err)
	}
	end()
	if err := <-over; err != nil {
		t.Error(err)
	}
}

// Nobody can lead on a full bus, and it is not for want of coordinators.
func TestRequestOnAFullBusSaysThatItIsFull(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	host, err := bus.StartHost(bus.HostConfig{Store: t.TempDir(), Addr: anyPort, Room: 2 << 20, Log: bustest.Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Close)
	nc := connect(ctx, t, host.URL())
	b, err := bus.New(nc, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SetUp(ctx, bus.SetUp{}); err != nil {
		t.Fatal(err)
	}
	fillStream(ctx, t, nc, 0)
	_, err = b.Desk().List(ctx)
	if !errors.Is(err, mapreduce.ErrNoLeader) || errors.Is(err, mapreduce.ErrNoRoom) {
		t.Errorf("with room and no leader: %v", err)
	}
	for publishKilobytes(ctx, t, nc, 900) == nil {
	}
	for publishKilobytes(ctx, t, nc, 1) == nil {
	}
	_, err = b.Desk().List(ctx)
	if !errors.Is(err, mapreduce.ErrNoLeader) || !errors.Is(err, mapreduce.ErrNoRoom) {
		t.Errorf("without room: %v", err)
	}
}
