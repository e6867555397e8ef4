package bustest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/internal/proxy"
	"jetreduce/mapreduce"
)

// Servers is how many servers a Cluster has: the fewest of which one may be missed.
const Servers = 3

// Cluster is three real servers for one test, each with JetStream and a store of its own. All that they say to each other and
// to clients goes through wires, so that a server can be cut off in the middle of anything:
//
//	client ──▶ front of s0 ──▶ s0 ──▶ wire 0-1 ──▶ s1 ◀── front of s1 ◀── client
//
// A server in this process cannot be killed with -9. One that is cut off before it is shut down comes to the same for all others:
// it says no goodbye, hands over no leadership, and is found out by its silence. Only its own store is in better order.
type Cluster struct {
	t       testing.TB
	servers [Servers]*server.Server // nil: killed
	stores  [Servers]string
	fronts  [Servers]*proxy.Proxy
	routes  [Servers][Servers]*proxy.Proxy // from, to
}

// StartCluster starts three servers on which everything is set up, and that end with the test. AckWait is how patient the
// queue is.
func StartCluster(t testing.TB, ackWait time.Duration) *Cluster {
	t.Helper()
	c := StartBareCluster(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.Bus().SetUp(ctx, bus.SetUp{Classes: []mapreduce.Class{Class}, AckWait: ackWait, Results: true}); err != nil {
		t.Fatal(err)
	}
	return c
}

// StartBareCluster starts three servers on which nothing is set up.
func StartBareCluster(t testing.TB) *Cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("three servers take seconds to find out that one is gone: run it without -short")
	}
	c := &Cluster{t: t}
	for i := range Servers {
		c.stores[i], c.fronts[i] = t.TempDir(), wire(t)
		for j := range Servers {
			if j != i {
				c.routes[i][j] = wire(t)
			}
		}
	}
	for i := range Servers {
		c.start(i)
		t.Cleanup(func() { stop(c.servers[i]) })
	}
	c.await("the servers find each other", c.complete)
	return c
}

// start starts a server, on the store that it had.
func (c *Cluster) start(i int) {
	c.t.Helper()
	options := &server.Options{
		ServerName: serverName(i), Host: "127.0.0.1", Port: server.RANDOM_PORT, ClientAdvertise: c.fronts[i].Addr(),
		// A new stream goes where most room is left: alike, or one server would get all of them.
		JetStream: true, StoreDir: c.stores[i], JetStreamMaxStore: 8 << 30, NoSigs: true, NoLog: true,
		// Servers tell each other where the others are. There nobody is: only the wires are to be used.
		Cluster: server.ClusterOpts{Name: "bustest", Host: "127.0.0.1", Port: server.RANDOM_PORT, Advertise: "127.0.0.1:1"},
	}
	for j, route := range c.routes[i] {
		if j != i {
			options.Routes = append(options.Routes, &url.URL{Scheme: "nats", Host: route.Addr()})
		}
	}
	s, err := server.NewServer(options)
	if err != nil {
		c.t.Fatal(err)
	}
	s.Start()
	c.servers[i] = s
	if !s.ReadyForConnections(20 * time.Second) {
		c.t.Fatalf("server %d does not become ready", i)
	}
	c.mend(i)
}

// mend lets a server be reached, and reach the others that live.
func (c *Cluster) mend(i int) {
	lead(c.fronts[i], c.servers[i].Addr())
	for j, peer := range c.servers {
		if j == i {
			continue
		}
		lead(c.routes[j][i], c.servers[i].ClusterAddr())
		if peer != nil {
			lead(c.routes[i][j], peer.ClusterAddr())
		}
	}
}

// wire is a proxy that leads nowhere yet: whoever connects waits.
func wire(t testing.TB) *proxy.Proxy {
	t.Helper()
	p, err := proxy.New("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	p.Cut()
	return p
}

func lead(p *proxy.Proxy, to net.Addr) {
	p.Point(to.String())
	p.Heal()
}

func serverName(i int) string { return fmt.Sprintf("s%d", i) }

func stop(s *server.Server) {
	if s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// Kill kills a server: from one moment to the next nothing that it says reaches anybody.
func (c *Cluster) Kill(i int) {
	c.t.Helper()
	c.fronts[i].Sever()
	for j := range Servers {
		if j != i {
			c.routes[i][j].Sever()
			c.routes[j][i].Sever()
		}
	}
	stop(c.servers[i])
	c.servers[i] = nil
}

// Start starts a server that was killed, on the store that it had. It may take a moment until the others have found it.
func (c *Cluster) Start(i int) {
	c.t.Helper()
	c.start(i)
}

// complete reports whether all servers know of each other, and have a leader.
func (c *Cluster) complete() bool {
	for _, s := range c.servers {
		if s != nil && s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == Servers {
			return true
		}
	}
	return false
}

// await waits for what the servers show no event of.
func (c *Cluster) await(what string, is func() bool) {
	c.t.Helper()
	ticker, late := time.NewTicker(10*time.Millisecond), time.After(30*time.Second)
	defer ticker.Stop()
	for !is() {
		select {
		case <-ticker.C:
		case <-late:
			c.t.Fatalf("it does not come to pass that %s", what)
		}
	}
}

// URL is that of one server.
func (c *Cluster) URL(i int) string { return "nats://" + c.fronts[i].Addr() }

// URLs are those of all servers, with commas between.
func (c *Cluster) URLs() string {
	var all []string
	for i := range Servers {
		all = append(all, c.URL(i))
	}
	return strings.Join(all, ",")
}

// Conn makes a connection to any of the servers that ends with the test. It finds another server within a tenth of a second.
func (c *Cluster) Conn() *nats.Conn {
	c.t.Helper()
	return c.conn(c.URLs())
}

// ConnAt is Conn to one of the servers; when that is killed, it goes to another.
func (c *Cluster) ConnAt(i int) *nats.Conn {
	c.t.Helper()
	return c.conn(c.URL(i))
}

func (c *Cluster) conn(urls string) *nats.Conn {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	nc, err := bus.Connect(ctx, bus.ConnectConfig{URL: urls, Wait: true, Log: Quiet()})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(nc.Close)
	return nc
}

// Bus makes a bus over a connection of its own, to any of the servers.
func (c *Cluster) Bus() *bus.Bus {
	c.t.Helper()
	return c.bus(c.Conn())
}

// BusAt is Bus over a connection to one of the servers; when that is killed, it goes to another.
func (c *Cluster) BusAt(i int) *bus.Bus {
	c.t.Helper()
	return c.bus(c.ConnAt(i))
}

func (c *Cluster) bus(nc *nats.Conn) *bus.Bus {
	c.t.Helper()
	b, err := bus.New(nc, "")
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

// MetaLeader is the server that decides which streams there are and where.
func (c *Cluster) MetaLeader() int {
	c.t.Helper()
	leader := -1
	c.await("one of the servers leads", func() bool {
		leader = slices.IndexFunc(c.servers[:], func(s *server.Server) bool { return s != nil && s.JetStreamIsLeader() })
		return leader >= 0
	})
	return leader
}

// LeaderOf is the server that leads a stream: of one without replicas the only one that has it.
func (c *Cluster) LeaderOf(stream string) int {
	c.t.Helper()
	js, err := jetstream.New(c.Conn())
	if err != nil {
		c.t.Fatal(err)
	}
	leader := -1
	c.await(stream+" has a leader", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		found, err := js.Stream(ctx, stream)
		if err == nil && found.CachedInfo().Cluster != nil {
			_, err = fmt.Sscanf(found.CachedInfo().Cluster.Leader, "s%d", &leader)
		}
		return err == nil && leader >= 0
	})
	return leader
}

// AwaitReplicas waits until all servers have all that some streams hold: until then it is no use to kill another server.
func (c *Cluster) AwaitReplicas(streams ...string) {
	c.t.Helper()
	js, err := jetstream.New(c.Conn())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, stream := range streams {
		c.await("all servers have "+stream, func() bool {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			found, err := js.Stream(ctx, stream)
			if err != nil || found.CachedInfo().Cluster == nil {
				return false
			}
			lagging := func(p *jetstream.PeerInfo) bool { return !p.Current || p.Offline }
			return !slices.ContainsFunc(found.CachedInfo().Cluster.Replicas, lagging)
		})
	}
}
