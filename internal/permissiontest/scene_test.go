package permissiontest_test

import (
	"context"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/internal/roles"
)

// scene is a bus with all that is to be had, and a leader who answers.
type scene struct {
	*world
	admin *nats.Conn
}

func newScene(ctx context.Context, t *testing.T, l layout) *scene {
	t.Helper()
	s := &scene{world: &world{stage: newStageOf(t, l)}}
	s.admin = s.as(admin)
	var err error
	if s.js, err = jetstream.New(s.admin); err != nil {
		t.Fatal(err)
	}
	if err := s.bus("coordinator").SetUp(ctx, bus.SetUp{Classes: roles.Classes(), Results: true}); err != nil {
		t.Fatal(err)
	}
	for name, subject := range map[string]string{"ORDERS": "orders.>", "JETREDUCE_INPUT_x": "jetreduce.input.x.>"} {
		_, err := s.js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{subject}, AllowDirect: true})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.js.Publish(ctx, "orders.old", []byte("x")); err != nil {
		t.Fatal(err)
	}
	s.answer()
	return s
}

// answer says where jobs stand, as the coordinator's user.
func (s *scene) answer() {
	s.t.Helper()
	leader := s.as("coordinator")
	_, err := leader.Subscribe("jetreduce.api.status", func(msg *nats.Msg) { _ = msg.Respond(evil) })
	if err == nil {
		err = leader.Flush()
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// standing is all that stands on the bus.
func (s *scene) standing(ctx context.Context) map[string]*jetstream.StreamInfo {
	s.t.Helper()
	all := map[string]*jetstream.StreamInfo{}
	list := s.js.ListStreams(ctx)
	for info := range list.Info() {
		info.TimeStamp = info.Created
		all[info.Config.Name] = info
	}
	if err := list.Err(); err != nil {
		s.t.Fatal(err)
	}
	return all
}

// overhear collects the subjects of all messages in the account of jetreduce.
func (s *scene) overhear() (heard func() map[string]bool) {
	s.t.Helper()
	var mu sync.Mutex
	subjects := map[string]bool{}
	listener := s.as(admin)
	if _, err := listener.Subscribe(">", func(msg *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		subjects[msg.Subject] = true
	}); err != nil {
		s.t.Fatal(err)
	}
	if err := listener.Flush(); err != nil {
		s.t.Fatal(err)
	}
	return func() map[string]bool {
		if err := listener.Flush(); err != nil {
			s.t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(subjects)
	}
}

// until waits until the stream ORDERS is so.
func (s *scene) until(ctx context.Context, what string, is func(orders *jetstream.StreamInfo) bool) {
	s.t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !is(s.standing(ctx)["ORDERS"]) {
		select {
		case <-look.C:
		case <-ctx.Done():
			s.t.Fatalf("not yet: %s", what)
		}
	}
}
