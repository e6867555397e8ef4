package bus_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"jetreduce/bus/bustest"
)

// guarded is a server that asks who comes.
type guarded struct {
	*server.Server
	conf string
	ids  bustest.Identities
}

// guard starts a server with a configuration, in which %s is the directory of the identities; it ends with the test.
func guard(t *testing.T, conf string) guarded {
	t.Helper()
	ids, err := bustest.WriteIdentities(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return guardWith(t, ids, conf)
}

func guardWith(t *testing.T, ids bustest.Identities, conf string) guarded {
	t.Helper()
	g := guarded{conf: ids.File(rand.Text() + ".conf"), ids: ids} // what it includes stands beside it
	g.write(t, conf)
	options, err := server.ProcessConfigFile(g.conf)
	if err != nil {
		t.Fatal(err)
	}
	options.NoSigs, options.NoLog = true, true
	if g.Server, err = server.NewServer(options); err != nil {
		t.Fatal(err)
	}
	g.Start()
	t.Cleanup(func() {
		g.Shutdown()
		g.WaitForShutdown()
	})
	if !g.ReadyForConnections(startPatience) {
		t.Fatal("the server does not start")
	}
	return g
}

// write writes the configuration.
func (g guarded) write(t *testing.T, conf string) {
	t.Helper()
	store := g.conf + ".store"
	listen := "listen: 127.0.0.1:-1\n"
	if strings.Contains(conf, "listen: ") { // the server takes either, at random, where both are
		listen = ""
	}
	text := listen + fmt.Sprintf("jetstream { store_dir: %q }\n", store) + inserted(conf, g.ids.Dir)
	if err := os.WriteFile(g.conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// change has the server use another configuration from now on.
func (g guarded) change(t *testing.T, conf string) {
	t.Helper()
	g.write(t, conf)
	if err := g.Reload(); err != nil {
		t.Fatal(err)
	}
}

// users are the names under which clients are connected.
func (g guarded) users(t *testing.T) (names []string) {
	t.Helper()
	all, err := g.Connz(&server.ConnzOptions{Username: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, conn := range all.Conns {
		names = append(names, conn.AuthorizedUser)
	}
	return names
}

// said is all that was logged.
func said(w *words) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprint(w.records)
}
