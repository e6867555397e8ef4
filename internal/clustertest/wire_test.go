package clustertest

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"jetreduce/internal/proxy"
)

// wire is how one role reaches the servers: through a proxy of its own before each of them, so that the role alone is hit.
type wire []*proxy.Proxy

func newWire(t testing.TB, servers []string) wire {
	t.Helper()
	var w wire
	for _, server := range servers {
		p, err := proxy.New(server)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		w = append(w, p)
	}
	return w
}

func (w wire) each(do func(p *proxy.Proxy)) {
	for _, p := range w {
		do(p)
	}
}

// connect connects as a daemon does, but for one thing: what servers tell of each other's addresses is not listened to, since
// it would lead round the wire.
func (w wire) connect(t testing.TB, name string, back func(*nats.Conn)) *nats.Conn {
	t.Helper()
	var urls []string
	for _, p := range w {
		urls = append(urls, "nats://"+p.Addr())
	}
	quiet := func(*nats.Conn, error) {}
	nc, err := nats.Connect(strings.Join(urls, ","), nats.Name(name), nats.IgnoreDiscoveredServers(),
		nats.Timeout(2*time.Second), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(20*time.Millisecond, 0),
		nats.PingInterval(2*time.Second), nats.MaxPingsOutstanding(3),
		nats.ReconnectHandler(back), nats.DisconnectErrHandler(quiet), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatalf("connect %s: %v", name, err)
	}
	return nc
}
