package bus_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

// Three hosts whose files name each other keep state three times.
func TestThreeHostsAreACluster(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("three servers")
	}
	ctx := patient(t)
	var routes []string
	for range 3 {
		l, err := net.Listen("tcp", anyPort)
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, l.Addr().String())
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var hosts []serving
	for i, route := range routes {
		file := config(t, fmt.Sprintf("listen: '127.0.0.1:-1', server_name: n%d\ncluster { name: c, listen: %q, routes: [nats://%s] }",
			i, route, strings.Join(routes, ", nats://")))
		hosts = append(hosts, serveBus(ctx, t, bus.ServeConfig{Store: t.TempDir(), Config: file}))
	}
	names := map[string]bool{}
	for _, host := range hosts {
		name := connect(ctx, t, host.url).ConnectedServerName()
		names[name] = bus.Durable(name)
	}
	if len(names) != 3 || !names["jetreduce-durable-n0"] || !names["jetreduce-durable-n2"] {
		t.Errorf("they are called %v", names)
	}
	nc := connect(ctx, t, hosts[0].url)
	b, err := bus.New(nc, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SetUp(ctx, bus.SetUp{Results: true, Shape: bus.Shape{Replicas: 3, DataReplicas: 3}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Storage().Make(ctx, lanesOf(1)); err != nil {
		t.Fatal(err)
	}
	for name, n := range replicasOf(ctx, t, nc) {
		if n != 3 {
			t.Errorf("%s has %d replicas", name, n)
		}
	}
	awaitReplicas(ctx, t, nc)
	for _, found := range (bus.Doctor{Server: bus.ConnectConfig{URL: hosts[1].url, Log: bustest.Quiet()}}).Examine(ctx) {
		if found.Name == "fsync" && found.Level != bus.LevelOK {
			t.Errorf("the doctor says %+v", found)
		}
	}
}

// awaitReplicas waits until all servers have all streams: one that is stopped before that may leave something running.
func awaitReplicas(ctx context.Context, t *testing.T, nc *nats.Conn) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for name := range replicasOf(ctx, t, nc) {
		for current := 0; current < 2; {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				t.Fatalf("not all servers have %s", name)
			}
			stream, err := js.Stream(ctx, name)
			if err != nil {
				t.Fatal(err)
			}
			current = 0
			for _, replica := range stream.CachedInfo().Cluster.Replicas {
				if replica.Current {
					current++
				}
			}
		}
	}
}
