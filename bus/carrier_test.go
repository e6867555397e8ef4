package bus_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// The server goes away and comes back, in the middle of carrying and in the middle of reading.
func TestCarryingSurvivesTheServer(t *testing.T) {
	t.Parallel()
	ctx, store := deadline(t), t.TempDir()
	start := func(addr string) *bus.Host {
		host, err := bus.StartHost(bus.HostConfig{Store: store, Addr: addr, Log: bustest.Quiet()})
		if err != nil {
			t.Fatal(err)
		}
		return host
	}
	host := start("127.0.0.1:0")
	defer func() { host.Close() }()
	addr := strings.TrimPrefix(host.URL(), "nats://")
	nc, err := nats.Connect(host.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	b, err := bus.New(nc, "")
	if err != nil {
		t.Fatal(err)
	}
	restart := func() {
		host.Close()
		host = start(addr)
	}
	text := noise(60*b.Carrier().ChunkSize(), 1)
	if err := b.Uploads().Make(ctx, "up"); err != nil {
		t.Fatal(err)
	}
	push, flush := b.Carrier().Carry(ctx, "up")
	for n, chunk := range slices.Collect(slices.Chunk([]byte(text), b.Carrier().ChunkSize())) {
		if n == 30 {
			restart()
		}
		if err := push(0, n, chunk); err != nil {
			t.Fatal(err)
		}
	}
	files := []mapreduce.Carried{{Name: "a", Size: int64(len(text))}}
	if err := errors.Join(flush(), b.Carrier().Complete(ctx, "up", files)); err != nil {
		t.Fatal(err)
	}
	content, err := b.CarriedInputs().Open(ctx, sources(t, b, "bus://up")[0])
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	p := make([]byte, 1<<20)
	for offset := int64(0); offset < int64(len(text)); {
		if offset == 10<<20 {
			restart()
		}
		n, err := content.Read(p, offset)
		if n == 0 {
			t.Fatal(err)
		}
		got.Write(p[:n])
		offset += int64(n)
	}
	if got.String() != text {
		t.Error("other bytes came back")
	}
	if err := errors.Join(content.Verify(), content.Close()); err != nil {
		t.Error(err)
	}
}
