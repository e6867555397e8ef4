package bare_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"jetreduce/bus/bare"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	return s.ClientURL()
}

// A baseline that does less than it says would make everything look slow.
func TestAllTasksAreTakenAndAcknowledged(t *testing.T) {
	url, ctx := serve(t), t.Context()
	js := connect(t, url)
	const tasks = 5050 // no multiple of what is taken at a time
	queue, err := bare.Fill(ctx, url, tasks)
	if err != nil {
		t.Fatal(err)
	}
	if took, err := queue.Drain(ctx); err != nil || took <= 0 {
		t.Fatalf("%s: %v", took, err)
	}
	if acknowledged := acknowledged(t, js); acknowledged != tasks {
		t.Errorf("%d acknowledged", acknowledged)
	}
	if err := queue.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if names, ok := <-js.StreamNames(ctx).Name(); ok {
		t.Errorf("stream %s is left", names)
	}
}

func connect(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// acknowledged is how many tasks are, when no acknowledgement is on its way any more.
func acknowledged(t *testing.T, js jetstream.JetStream) uint64 {
	t.Helper()
	consumer, err := js.Consumer(t.Context(), "BARE_TASKS", "pullers")
	if err != nil {
		t.Fatal(err)
	}
	info := consumer.CachedInfo()
	for info.NumAckPending > 0 {
		if info, err = consumer.Info(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return info.AckFloor.Stream
}

func TestQueueThatHoldsOtherTasksIsRefused(t *testing.T) {
	url, ctx := serve(t), t.Context()
	queue, err := bare.Fill(ctx, url, 10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := bare.Fill(ctx, url, 20); err == nil {
		t.Error("tasks of another queue count as its own")
	}
	if err := queue.Close(ctx); err != nil {
		t.Fatal(err)
	}
}
