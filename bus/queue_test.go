package bus_test

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// What cannot even be sent while the server is away is sent when it is back.
func TestTasksThatCannotBeSentAreSentLater(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	options := server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()}
	s := startServer(t, options)
	options.Port = s.Addr().(*net.TCPAddr).Port
	nc, err := nats.Connect(s.ClientURL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.ReconnectBufSize(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	b, err := bus.New(nc, "")
	if err == nil {
		err = b.SetUp(ctx, bus.SetUp{Classes: []mapreduce.Class{bustest.Class}})
	}
	if err != nil {
		t.Fatal(err)
	}
	away := nc.StatusChanged(nats.RECONNECTING)
	stopServer(s)
	<-away
	if err := nc.Publish("x", nil); !errors.Is(err, nats.ErrReconnectBufExceeded) {
		t.Fatalf("the connection takes messages: %v", err)
	}
	back := time.AfterFunc(200*time.Millisecond, func() { startServer(t, options) })
	defer back.Stop()
	q := b.Queue(bustest.Quiet())
	defer q.Close()
	seqs, err := q.Publish(ctx, []mapreduce.Task{task(1), task(2)})
	if err != nil || fmt.Sprint(seqs) != "[1 2]" {
		t.Errorf("%v %v", seqs, err)
	}
}
