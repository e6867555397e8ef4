package clustertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"jetreduce/backup"
	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/coordinator"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
	"jetreduce/worker"
)

// Setup is what a System is made of.
type Setup struct {
	Servers      int                 // 1 or 3
	Coordinators int                 // may be 0
	Workers      int                 // may be 0
	Clients      int                 // may be 0
	Programs     []mapreduce.Program // besides the built-in ones
	Backup       backup.Config       // defaults for tests where zero
	Shape        bus.Shape           // of what coordinators make
}

// System is all parts as they are deployed, in one process: each reaches the servers over a connection of its own, which can
// be cut, held or severed without the others noticing.
//
//	coordinator 0 ── wire ──┐
//	coordinator 1 ── wire ──┼── server, or three of them
//	worker 0 ─────── wire ──┤
//	client 0 ─────── wire ──┘
type System struct {
	Coordinators, Workers, Clients []*Role
	Cluster                        *bustest.Cluster // nil with one server

	t     testing.TB
	host  *bus.Host // nil with three servers
	store string
	words *words
	find  func(name string) (mapreduce.Program, error)
}

// Start starts a system that ends with the test.
func Start(t testing.TB, setup Setup) *System {
	t.Helper()
	set, err := programs.NewSet(append(programs.Builtin(), setup.Programs...)...)
	if err != nil {
		t.Fatal(err)
	}
	s := &System{t: t, words: newWords(), find: set.Find}
	servers := s.startServers(setup.Servers)
	s.setUp(s.role(servers, "setup", idle).life)
	for i := range setup.Coordinators {
		name := fmt.Sprintf("coordinator%d", i)
		s.Coordinators = append(s.Coordinators, s.role(servers, name, s.coordinates(name, setup)))
	}
	for i := range setup.Workers {
		s.Workers = append(s.Workers, s.role(servers, fmt.Sprintf("worker%d", i), s.works))
	}
	for i := range setup.Clients {
		s.Clients = append(s.Clients, s.role(servers, fmt.Sprintf("client%d", i), idle))
	}
	return s
}

// startServers returns the servers' addresses, which stay.
func (s *System) startServers(n int) []string {
	s.t.Helper()
	if n == bustest.Servers {
		s.Cluster = bustest.StartBareCluster(s.t)
		return strings.Split(strings.ReplaceAll(s.Cluster.URLs(), "nats://", ""), ",")
	}
	s.store = s.t.TempDir()
	s.startHost("127.0.0.1:0")
	s.t.Cleanup(func() { s.host.Close() })
	return []string{s.hostAddr()}
}

func (s *System) startHost(addr string) {
	s.t.Helper()
	host, err := bus.StartHost(bus.HostConfig{Store: s.store, Addr: addr, Log: bustest.Quiet()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.host = host
}

func (s *System) hostAddr() string { return strings.TrimPrefix(s.host.URL(), "nats://") }

// RestartServer stops the only server, and starts it on the same store, at the same address. All roles, which must be in
// reach, have a connection again when it returns.
func (s *System) RestartServer() {
	s.t.Helper()
	all := slices.Concat(s.Coordinators, s.Workers, s.Clients)
	for _, r := range all {
		r.life.noted()
	}
	addr := s.hostAddr()
	s.host.Close()
	s.startHost(addr)
	for _, r := range all {
		r.awaitBus()
	}
}

func (s *System) setUp(l *life) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := l.bus.SetUp(ctx, bus.SetUp{Classes: roles.Classes(), AckWait: ackWait}); err != nil {
		s.t.Fatal(err)
	}
}

// ackWait is how patient the queue is: as little as makes sense of a server that counts in seconds.
const ackWait = time.Second

func (s *System) role(servers []string, name string, work func(context.Context, *bus.Bus, string) error) *Role {
	s.t.Helper()
	r := &Role{Name: name, t: s.t, wire: newWire(s.t, servers), work: work}
	r.start()
	s.t.Cleanup(r.stop)
	return r
}

// coordinates is the work of a coordinator that is quick to take over, and quick to think a worker dead.
func (s *System) coordinates(name string, setup Setup) func(context.Context, *bus.Bus, string) error {
	quick := setup.Backup
	if quick == (backup.Config{}) {
		quick = backup.Config{Every: 100 * time.Millisecond, Silence: 500 * time.Millisecond, Rest: 200 * time.Millisecond}
	}
	config := coordinator.Config{WorkerSilent: 4, Resettle: 300 * time.Millisecond}
	return func(ctx context.Context, b *bus.Bus, life string) error {
		if setup.Shape != (bus.Shape{}) {
			if err := b.SetUp(ctx, bus.SetUp{Classes: roles.Classes(), AckWait: ackWait, Shape: setup.Shape}); err != nil {
				return err
			}
		}
		c := roles.Coordinator{Bus: b, Name: life, Log: s.words.of(name), Config: config, Backup: quick}
		return c.Run(ctx)
	}
}

// works is the work of a worker of two slots.
func (s *System) works(ctx context.Context, b *bus.Bus, life string) error {
	w := roles.Worker{
		Bus: b, Log: s.words.of(life), Slots: 2, Memory: 64 << 20, Scratch: s.t.TempDir(), Programs: s.find, Host: life,
		Refit: func(c *worker.Config) { c.BeatEvery = 50 * time.Millisecond },
	}
	return w.Run(ctx)
}

// Await waits for a line of the roles' logs.
func (s *System) Await(what string, is func(Said) bool) Said {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Limit)
	defer cancel()
	said, ok := s.words.await(ctx, is)
	if !ok {
		s.t.Fatalf("waited for nothing: %s; %v", what, s.words.all())
	}
	return said
}

// Heard is how often the roles have said something.
func (s *System) Heard(message string) int {
	heard := 0
	for _, said := range s.words.all() {
		if said.Message == message {
			heard++
		}
	}
	return heard
}

// Leader waits until a coordinator decides, under a later epoch than this, and returns it with its epoch.
func (s *System) Leader(after mapreduce.Epoch) (*Role, mapreduce.Epoch) {
	s.t.Helper()
	said := s.Await("another leader", func(said Said) bool { return said.Message == "decides" && said.Epoch > after })
	for _, r := range s.Coordinators {
		if r.Name == said.Role {
			return r, said.Epoch
		}
	}
	s.t.Fatalf("%s is no coordinator", said.Role)
	return nil, 0
}
