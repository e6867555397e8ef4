package permissiontest_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/internal/roles"
)

// newStages are three servers of one cluster, each with all users.
func newStages(ctx context.Context, t *testing.T, l layout) (stages []*stage) {
	t.Helper()
	if testing.Short() {
		t.Skip("three servers")
	}
	var listeners []net.Listener
	var routes []string
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners, routes = append(listeners, l), append(routes, l.Addr().String())
	}
	for _, l := range listeners { // each was to have another port
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for i, route := range routes {
		s := &stage{t: t}
		s.server = s.serve(peer(t, l, fmt.Sprintf("server_name: n%d\ncluster { name: c, listen: %q, routes: [nats://%s] }\n",
			i, route, strings.Join(routes, ", nats://"))))
		stages = append(stages, s)
	}
	meet(ctx, t, stages)
	return stages
}

// peer is the configuration of a server of a cluster.
func peer(t *testing.T, l layout, lines string) string {
	t.Helper()
	path := l.configuration(t)
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, append([]byte(lines), text...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// meet waits until one of the servers leads, and knows the others.
func meet(ctx context.Context, t *testing.T, stages []*stage) {
	t.Helper()
	leads := func(s *stage) bool {
		return s.server.JetStreamIsLeader() && len(s.server.JetStreamClusterPeers()) == len(stages)
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !slices.ContainsFunc(stages, leads) {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatal("the servers do not find each other")
		}
	}
}

// newClusterWorld is a system on a cluster, whose coordinator, worker and client are each at another server.
func newClusterWorld(ctx context.Context, t *testing.T, l layout) (w *world, stages []*stage) {
	t.Helper()
	stages = newStages(ctx, t, l)
	w = &world{stage: stages[2]}
	var err error
	if w.js, err = jetstream.New(w.as(admin)); err != nil {
		t.Fatal(err)
	}
	leading := stages[0].bus("coordinator")
	if err := leading.SetUp(ctx, bus.SetUp{Classes: roles.Classes(), Results: true, Shape: bus.Shape{Replicas: 3}}); err != nil {
		t.Fatal(err)
	}
	stages[0].during(roles.Coordinator{Bus: leading, Name: "first", Log: bustest.Quiet()}.Run)
	stages[1].work()
	w.led(ctx)
	w.stores(ctx)
	return w, stages
}

// Jobs are exact, and nothing that they need is denied. At none of the servers the worker may write the state.
func TestClusterHoldsEachUserToItsPermissions(t *testing.T) { inEachLayout(t, onACluster) }

func onACluster(t *testing.T, l layout) {
	ctx := deadline(t)
	w, stages := newClusterWorld(ctx, t, l)
	w.exact(ctx, w.bus("client"))
	for _, s := range stages {
		s.quiet(append(l.ways, "CONSUMER.DELETE.PULLED.")...)
	}
	for _, s := range stages {
		s.mustNotWriteTheState()
	}
}

// mustNotWriteTheState tries to, as a worker at one of the servers.
func (s *stage) mustNotWriteTheState() {
	s.t.Helper()
	nc := s.as("worker")
	for _, subject := range forbidden()["worker"]["write the state"] {
		if violates(s.t, nc, subject) == nil {
			s.t.Errorf("at %s the worker may write %s", nc.ConnectedServerName(), subject)
		}
	}
}
