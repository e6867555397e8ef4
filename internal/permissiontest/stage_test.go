package permissiontest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/coordinator"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// The client's object store, which tests use as others do, leaves this behind when it has put before that has begun.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

// The users of the server. Each has a password of its own name.
const (
	admin    = "admin"  // may do everything
	nobody   = "nobody" // may listen to a worker's inbox, and nothing else
	fetcher  = "fetcher"
	executor = "executor"
)

// users is what each user may do: what the command prints.
func users() map[string]bus.PermissionsConfig {
	outputs := []string{"kv://table", "object://theirs", "stream://ROWS?subject=rows.{key}"}
	return map[string]bus.PermissionsConfig{
		"coordinator": {Role: bus.RoleCoordinator, Outputs: outputs},
		"worker":      {Role: bus.RoleWorker, Inputs: []string{"stream://PULLED"}, Outputs: outputs},
		"client":      {Role: bus.RoleClient, Outputs: outputs},
		"observer":    {Role: bus.RoleObserver},
		fetcher:       {Role: bus.RoleObserver, Results: true},
		executor:      {Role: bus.RoleClient, Exec: true},
	}
}

// stage is a server with these users, and what it denied to any of them.
type stage struct {
	t      *testing.T
	server *server.Server
	logins map[string]nats.Option // of an operator's users

	mu     sync.Mutex
	denied []string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	return newStageOf(t, together())
}

func newStageOf(t *testing.T, l layout) *stage {
	t.Helper()
	s := &stage{t: t}
	file := ""
	if l.operator {
		file, s.logins = l.operated(t)
	} else {
		file = l.configuration(t)
	}
	s.server = s.serve(file)
	return s
}

// The log of a server, which tells of each denial: also of those that a client knows a way around.
func (s *stage) Errorf(format string, words ...any) {
	if said := fmt.Sprintf(format, words...); strings.Contains(said, "Violation") {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.denied = append(s.denied, said)
	}
}
func (s *stage) Noticef(string, ...any) {}
func (s *stage) Warnf(string, ...any)   {}
func (s *stage) Fatalf(string, ...any)  {}
func (s *stage) Debugf(string, ...any)  {}
func (s *stage) Tracef(string, ...any)  {}

func (s *stage) serve(file string) *server.Server {
	t := s.t
	t.Helper()
	options, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	options.NoSigs = true
	running, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	running.SetLoggerV2(s, false, false, false)
	running.Start()
	t.Cleanup(func() {
		running.Shutdown()
		running.WaitForShutdown()
	})
	if !running.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not become ready")
	}
	return running
}

// inbox is what a user's role receives answers at.
func inbox(user string) string {
	if c, is := users()[user]; is {
		return bus.Inbox("", c.Role)
	}
	return "_INBOX"
}

// as connects as a user.
func (s *stage) as(user string) *nats.Conn {
	s.t.Helper()
	login, signed := s.logins[user]
	if !signed {
		login = nats.UserInfo(user, user)
	}
	nc, err := nats.Connect(s.server.ClientURL(), nats.Name(user), login, nats.CustomInboxPrefix(inbox(user)),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	return nc
}

// bus is a bus over a connection of a user.
func (s *stage) bus(user string) *bus.Bus {
	s.t.Helper()
	b, err := bus.New(s.as(user), "")
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// quiet fails the test if the server has denied anything but what is expected.
func (s *stage) quiet(but ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, what := range s.denied {
		if !slices.ContainsFunc(but, func(expected string) bool { return strings.Contains(what, expected) }) {
			s.t.Errorf("denied: %s", what)
		}
	}
}

// system runs a coordinator and a worker as their users, until the test ends.
func (s *stage) system(ctx context.Context, config coordinator.Config) {
	s.t.Helper()
	leading := s.bus("coordinator")
	if err := leading.SetUp(ctx, bus.SetUp{Classes: roles.Classes(), Results: true}); err != nil {
		s.t.Fatal(err)
	}
	c := roles.Coordinator{Bus: leading, Name: "first", Log: bustest.Quiet(), Config: config}
	s.during(c.Run)
	s.work()
}

// work runs a worker as its user, until the test ends.
func (s *stage) work() {
	s.t.Helper()
	set, err := programs.NewSet(programs.Builtin()...)
	if err != nil {
		s.t.Fatal(err)
	}
	w := roles.Worker{
		Bus: s.bus("worker"), Log: bustest.Quiet(), Slots: 2, Memory: 64 << 20, Scratch: s.t.TempDir(), Host: "here", Programs: set.Find,
		Also: []mapreduce.Class{mapreduce.Exec},
	}
	s.during(w.Run)
}

// during runs something until the test ends.
func (s *stage) during(run func(ctx context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			s.t.Errorf("it was told to stop: %v", err)
		}
	})
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
