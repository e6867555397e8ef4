package processtest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jetreduce/internal/processtest"
)

// guarded is a machine whose bus asks for logins: one for each role, with the permissions that `jetreduce permissions` prints for it.
type guarded struct {
	*processtest.Machine
	bus, coordinator, worker *processtest.Process
}

// newGuarded starts them, the coordinator with these flags.
func newGuarded(t *testing.T, flags ...string) *guarded {
	t.Helper()
	m := processtest.NewMachine(t)
	addr := strings.TrimPrefix(m.URL(), "nats://")
	g := &guarded{Machine: m, bus: m.Command("bus", "--addr", addr, "--config", logins(t, m), "--log", "json")}
	g.bus.Await("hosting the bus")
	g.coordinator = g.as("coordinator", append([]string{"coordinator", "--log", "json"}, flags...)...)
	g.coordinator.Await("decides")
	g.worker = g.as("worker", "worker", "--log", "json", "--slots", "1", "--scratch", filepath.Join(m.Dir(), "scratch"))
	g.worker.Await("works")
	return g
}

// logins writes a configuration with a user for each role, whose password is the name of the role.
func logins(t *testing.T, m *processtest.Machine) (file string) {
	t.Helper()
	var text strings.Builder
	text.WriteString("authorization { users: [\n")
	for _, role := range []string{"coordinator", "worker", "client", "observer"} {
		fmt.Fprintf(&text, "{ user: %s, password: %s\n%s}\n", role, role, m.Command("permissions", role).Output())
	}
	text.WriteString("] }\n")
	file = filepath.Join(m.Dir(), "nats.conf")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// as starts a process that logs in as a user.
func (g *guarded) as(user string, command ...string) *processtest.Process {
	return g.Command(append(command, "--user", user, "--password", user)...)
}

// checkHealth asks for the health of a daemon, with a login that the flags say, and compares what is said of it.
func (g *guarded) checkHealth(t *testing.T, healthy bool, words, daemon string, login ...string) {
	t.Helper()
	check := g.Command(append([]string{"health", daemon, "--timeout", "30s", "--json"}, login...)...)
	code, want := check.Exit(), 0
	if !healthy {
		want = 1
	}
	var said struct {
		Reason  string
		Healthy bool
	}
	if err := json.Unmarshal(check.Said(), &said); err != nil {
		t.Fatalf("%s, %v: %v in %q", daemon, login, err, check.Said())
	}
	if code != want || said.Healthy != healthy || !strings.Contains(said.Reason, words) || strings.Contains(said.Reason, "\n") {
		t.Errorf("%s, %v: code %d, %+v: want %d, and %q in a line", daemon, login, code, said, want, words)
	}
}

// user are the flags of a login whose password is the user's name.
func user(name string) []string { return []string{"--user", name, "--password", name} }

// Promise: behind logins a daemon is asked for its health with its own, and no permission beyond; a login that is none, or of another
// role, is said to be that: it is not taken for a daemon that is well, nor for one that is dead.
func TestHealthBehindLogins(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	g.checkHealth(t, true, "JetStream answers at", "bus", user("client")...)
	g.checkHealth(t, true, "JetStream answers at", "bus", append(user("observer"), "--inbox-prefix", "_INBOX_jetreduce_observer")...)
	g.checkHealth(t, true, "it leads, epoch", "coordinator", user("coordinator")...)
	g.checkHealth(t, true, "sent a heartbeat", "worker", user("worker")...)
	for _, daemon := range []string{"bus", "coordinator", "worker"} {
		g.checkHealth(t, false, "the server does not take nobody (Authorization Violation)", daemon)
		g.checkHealth(t, false, "the server does not take user worker (Authorization Violation)", daemon, "--user", "worker", "--password", "x")
	}
	g.checkHealth(t, false, "give this user the permissions of a worker", "worker", user("observer")...)
	g.checkHealth(t, false, "give this user the permissions of a coordinator", "coordinator", user("worker")...)
	// With the inbox of its own role it could hear an answer, but may not ask.
	client := append(user("client"), "--inbox-prefix", "_INBOX_jetreduce_client")
	g.checkHealth(t, false, "this user needs the permissions of a worker", "worker", client...)
}

// Promise: behind logins, too, a daemon that is dead is told from one that lives, and a dead bus from all.
func TestHealthOfTheDeadBehindLogins(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	g.worker.Kill()
	g.checkHealth(t, false, "no sign of life", "worker", user("worker")...)
	g.checkHealth(t, true, "it leads, epoch", "coordinator", user("coordinator")...)
	g.coordinator.Kill()
	g.checkHealth(t, false, "no sign of life", "coordinator", user("coordinator")...)
	g.checkHealth(t, true, "JetStream answers at", "bus", user("client")...)
	g.bus.Kill()
	for daemon, login := range map[string]string{"bus": "client", "coordinator": "coordinator", "worker": "worker"} {
		g.checkHealth(t, false, "no nats-server at "+strings.TrimPrefix(g.URL(), "nats://"), daemon, user(login)...)
	}
}
