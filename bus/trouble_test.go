package bus_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// A chunk that the connection receives twice costs twice, and in the end the connection.
func TestChunksTravelOnce(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	lane := mapreduce.Lane{UID: "u1", Reader: mapreduce.Reduce, Generation: 1}
	writer := s.Bus()
	if _, err := writer.Storage().Make(ctx, []mapreduce.Lane{lane}); err != nil {
		t.Fatal(err)
	}
	push, flush := writer.Runs().Publisher(ctx)
	const chunks, size = 64, 100_000
	for range chunks {
		if err := push(lane, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := flush(); err != nil {
		t.Fatal(err)
	}
	nc := s.Conn()
	reader, err := bus.New(nc, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Desk().Ask(ctx, "x"); err == nil { // the connection's request multiplexer is up
		t.Error("somebody answered")
	}
	if err := reader.Runs().Fetch(ctx, lane, func([]byte) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := nc.Stats().InBytes; got > chunks*size*3/2 {
		t.Errorf("%d bytes came for %d bytes of chunks", got, chunks*size)
	}
}

func TestFeedEndsWhenItsStreamIsGone(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	epoch, err := takeEpoch(ctx, b, "x")
	if err != nil {
		t.Fatal(err)
	}
	feed := b.OpenFeed(bustest.Quiet())
	if err := feed.Lead(ctx, epoch); err != nil {
		t.Fatal(err)
	}
	for {
		event, err := feed.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, replayed := event.(mapreduce.Replayed); replayed {
			break
		}
	}
	if _, err := s.Conn().Request("$JS.API.STREAM.DELETE.KV_jetreduce-commits", nil, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	for err == nil { // a stream that is gone is not waited for
		_, err = feed.Next(ctx)
	}
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("the feed ends with %v", err)
	}
	closed := make(chan struct{})
	go func() {
		feed.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-ctx.Done():
		t.Error("the feed does not close")
	}
}

// hosted is a server in this process with a store of its own, and a bus on it, until the test ends.
func hosted(t *testing.T, c bus.HostConfig) (*bus.Host, *bus.Bus) {
	t.Helper()
	c.Store, c.Log = t.TempDir(), bustest.Quiet()
	host, err := bus.StartHost(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Close)
	nc, err := host.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	b, err := bus.New(nc, "")
	if err != nil {
		t.Fatal(err)
	}
	return host, b
}

func TestFullBusRefusesInsteadOfWaiting(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	host, b := hosted(t, bus.HostConfig{Room: 2 << 20})
	lane := mapreduce.Lane{UID: "u1", Reader: mapreduce.Reduce, Generation: 1}
	if _, err := b.Storage().Make(ctx, []mapreduce.Lane{lane}); err != nil {
		t.Fatal(err)
	}
	push, flush := b.Runs().Publisher(ctx)
	var err error
	for range 8 {
		err = errors.Join(err, push(lane, make([]byte, 500_000)))
	}
	if err = errors.Join(err, flush()); !errors.Is(err, mapreduce.ErrNoRoom) {
		t.Errorf("publishing into a full bus: %v, want %v", err, mapreduce.ErrNoRoom)
	}
	if err := host.Trouble(); !errors.Is(err, mapreduce.ErrNoRoom) {
		t.Errorf("the host's trouble: %v, want %v", err, mapreduce.ErrNoRoom)
	}
}

// Records in memory have a bound of their own, whatever the process may take. A job of too many tasks says what can be done: it is not
// the disk that is full.
func TestTooManyRecordsAreNoFullDisk(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	host, b := hosted(t, bus.HostConfig{Records: 50_000})
	if err := b.SetUp(ctx, bus.SetUp{Fleeting: true}); err != nil {
		t.Fatal(err)
	}
	var err error
	for n := 0; err == nil && ctx.Err() == nil; n++ {
		_, err = b.Commits().Commit(ctx, mapreduce.Commit{Version: mapreduce.RecordVersion, Task: mapTask(n), Attempt: attempt(1)})
	}
	if trouble := host.Trouble(); !errors.Is(trouble, mapreduce.ErrNoRoom) || !strings.Contains(trouble.Error(), "--split-size") {
		t.Errorf("commits end with %v, and the host's trouble is %v", err, trouble)
	}
}

func TestRecordsHaveRoomOfTheirOwn(t *testing.T) {
	t.Parallel()
	host, err := bus.StartHost(bus.HostConfig{Store: t.TempDir(), Log: bustest.Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Discard()
	if got := host.RecordsRoom(); got != 1<<30 {
		t.Errorf("%d bytes of records, which is what the process happens to be allowed", got)
	}
}

func TestRecordOfAnotherVersionIsRefusedNotPassedOver(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	if _, err := b.Commits().Commit(ctx, mapreduce.Commit{Version: 99, Task: mapTask(0), Attempt: attempt(1)}); err != nil {
		t.Fatal(err)
	}
	epoch, err := takeEpoch(ctx, b, "x")
	if err != nil {
		t.Fatal(err)
	}
	feed := b.OpenFeed(bustest.Quiet())
	defer feed.Close()
	err = feed.Lead(ctx, epoch)
	for err == nil {
		var event mapreduce.Event
		if event, err = feed.Next(ctx); err == nil && !isTick(event) {
			t.Fatalf("the feed went on with %+v", event)
		}
	}
	if ctx.Err() != nil {
		t.Errorf("the feed waits: %v", err)
	}
}

// What is gone from a lane is lost, not waited for.
func TestGapInALaneIsLostRuns(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	lane := mapreduce.Lane{UID: "u1", Reader: mapreduce.Reduce, Generation: 1}
	if _, err := b.Storage().Make(ctx, []mapreduce.Lane{lane}); err != nil {
		t.Fatal(err)
	}
	push, flush := b.Runs().Publisher(ctx)
	for range 10 {
		if err := push(lane, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Conn().Request("$JS.API.STREAM.MSG.DELETE.JETREDUCE_RUNS_u1_1_0", []byte(`{"seq":5}`), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	got := 0
	err := b.Runs().Fetch(ctx, lane, func([]byte) error { got++; return nil })
	if !errors.Is(err, mapreduce.ErrRunsLost) || got != 9 {
		t.Errorf("%d chunks, %v; want the other 9 and %v", got, err, mapreduce.ErrRunsLost)
	}
}
