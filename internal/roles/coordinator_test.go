package roles_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"jetreduce/backup"
	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// record is what was logged.
type record struct {
	slog.Handler
	mu      sync.Mutex
	said    map[string]bool
	changed chan struct{} // closed when more was said
}

func newRecord() *record {
	return &record{Handler: bustest.Quiet().Handler(), said: map[string]bool{}, changed: make(chan struct{})}
}

func (r *record) Handle(_ context.Context, line slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said[line.Message] = true
	close(r.changed)
	r.changed = make(chan struct{})
	return nil
}

func (r *record) has(message string) (bool, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said[message], r.changed
}

func (r *record) await(ctx context.Context, t *testing.T, message string) {
	t.Helper()
	for {
		found, more := r.has(message)
		if found {
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
			t.Fatalf("nobody says %q", message)
		}
	}
}

// stage is a bus on which another process leads, and shows no life.
type stage struct {
	bus   *bus.Bus
	js    jetstream.JetStream
	other *bus.Lease
	epoch mapreduce.Epoch
}

func newStage(ctx context.Context, t *testing.T) *stage {
	t.Helper()
	server := bustest.StartBare(t)
	s := &stage{bus: server.Bus()}
	s.other = s.bus.Lease("other")
	s.setUp(ctx, t)
	var err error
	if s.js, err = jetstream.New(server.Conn()); err == nil {
		s.epoch, err = s.other.Acquire(ctx, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) setUp(ctx context.Context, t *testing.T) {
	t.Helper()
	if err := s.bus.SetUp(ctx, bus.SetUp{Classes: roles.Classes()}); err != nil {
		t.Fatal(err)
	}
}

// commits is the bucket without which a replica fails.
const commits = "KV_jetreduce-commits"

// awaitFollower waits until somebody follows the commits.
func (s *stage) awaitFollower(ctx context.Context, t *testing.T) {
	t.Helper()
	stream, err := s.js.Stream(ctx, commits)
	if err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		info, err := stream.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if info.State.Consumers > 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatal("nobody follows the commits")
		}
	}
}

// standBy begins to stand by; stop ends it. Only a lease that is given back lets it lead.
func (s *stage) standBy(ctx context.Context, t *testing.T) (said *record, stop func()) {
	t.Helper()
	said = newRecord()
	c := roles.Coordinator{
		Bus: s.bus, Name: "standby", Log: slog.New(said), Backup: backup.Config{Silence: time.Hour, FirstWait: time.Hour},
	}
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan error, 1)
	go func() { over <- c.Run(ctx) }()
	said.await(ctx, t, "stands by")
	return said, func() {
		cancel()
		if err := <-over; err != nil {
			t.Errorf("it was told to stop: %v", err)
		}
	}
}

func TestReplicaThatFailedIsReplacedBeforeItIsNeeded(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := newStage(ctx, t)
	if err := s.js.DeleteStream(ctx, commits); err != nil {
		t.Fatal(err)
	}
	said, stop := s.standBy(ctx, t)
	defer stop()
	said.await(ctx, t, "the replica failed: follows with a new one")
	s.setUp(ctx, t)
	s.awaitFollower(ctx, t)
	if err := s.other.Release(ctx, s.epoch); err != nil {
		t.Fatal(err)
	}
	said.await(ctx, t, "decides")
	if cold, _ := said.has("no replica is warm: leads from a cold one"); cold {
		t.Error("it led from a cold replica")
	}
}
