package bus_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

// serving is a bus that is served until the test ends.
type serving struct {
	url  string
	stop func() error
}

// serveBus serves a bus, and waits until it does.
func serveBus(ctx context.Context, t *testing.T, c bus.ServeConfig) serving {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	served, over := make(chan string, 1), make(chan error, 1)
	c.Log = bustest.Quiet()
	go func() { over <- bus.Serve(ctx, c, func(url string) { served <- url }) }()
	var s serving
	select {
	case s.url = <-served:
	case err := <-over:
		cancel()
		t.Fatal(err)
	}
	stopped := false
	s.stop = func() error {
		cancel()
		if stopped {
			return nil
		}
		stopped = true
		return <-over
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// isNotServed tries to serve a bus that must be refused.
func isNotServed(ctx context.Context, t *testing.T, c bus.ServeConfig, says ...string) {
	t.Helper()
	c.Log = bustest.Quiet()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	mustSay(t, bus.Serve(ctx, c, func(url string) { t.Errorf("it serves %s", url); cancel() }), says...)
}

func TestHostWithTLSServesOnlyWhomItKnows(t *testing.T) {
	t.Parallel()
	ctx, ids := deadline(t), bustest.NewIdentities(t)
	shown := bus.TLS{Cert: ids.File("server.pem"), Key: ids.File("server.key"), CA: ids.File("ca.pem")}
	s := serveBus(ctx, t, bus.ServeConfig{Store: t.TempDir(), Addr: anyPort, TLS: shown})
	if !strings.HasPrefix(s.url, "tls://") {
		t.Errorf("it serves %s", s.url)
	}
	for name, c := range map[string]bus.TLS{
		"nobody":   {CA: ids.File("ca.pem")},
		"stranger": {CA: ids.File("ca.pem"), Cert: ids.File("strangers.pem"), Key: ids.File("strangers.key")},
		"trusting": {CA: ids.File("strangers.pem"), Cert: ids.File("client.pem"), Key: ids.File("client.key")},
		"":         {CA: ids.File("ca.pem"), Cert: ids.File("client.pem"), Key: ids.File("client.key")},
	} {
		nc, err := bus.Connect(ctx, bus.ConnectConfig{URL: s.url, TLS: c, Log: bustest.Quiet()})
		if (err == nil) != (name == "") {
			t.Errorf("%q is answered with %v", name, err)
		}
		if err != nil {
			continue
		}
		if _, secure := nc.TLSConnectionState(); secure != nil || nc.ConnectedServerName() != bus.DurableServer {
			t.Errorf("%q is connected to %q: %v", name, nc.ConnectedServerName(), secure)
		}
		nc.Close()
	}
}

func TestTLSWithoutItsFilesIsRefused(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "none.pem")
	c := bus.ServeConfig{Store: t.TempDir(), Addr: anyPort, TLS: bus.TLS{Cert: missing, Key: missing}}
	isNotServed(deadline(t), t, c, "--tlscert", missing)
}

// config writes a configuration file.
func config(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nats.conf")
	write(t, file, text)
	return file
}

// What the file says of logins holds, and what makes it a bus of ours holds as well.
func TestConfigurationFileIsHeldTo(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	file := config(t, `
listen: "127.0.0.1:-1"
server_name: one
max_payload: 2MB
jetstream { max_file_store: 200MB, max_memory_store: 100MB }
accounts {
  work: { jetstream: enabled, users: [ {user: me, password: secret} ] }
  idle: { users: [ {user: other, password: secret} ] }
}
`)
	s := serveBus(ctx, t, bus.ServeConfig{Store: t.TempDir(), Config: file})
	for _, who := range []string{"", "me:wrong@", "other:secret@"} {
		nc, err := bus.Connect(ctx, bus.ConnectConfig{URL: strings.Replace(s.url, "nats://", "nats://"+who, 1), Log: bustest.Quiet()})
		if err == nil {
			nc.Close()
			t.Errorf("%q may use it", who)
		}
	}
	nc := connect(ctx, t, strings.Replace(s.url, "nats://", "nats://me:secret@", 1))
	b, err := bus.New(nc, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SetUp(ctx, bus.SetUp{Results: true}); err != nil {
		t.Error(err)
	}
	if name := nc.ConnectedServerName(); name != "jetreduce-durable-one" || !bus.Durable(name) || nc.MaxPayload() != 2<<20 {
		t.Errorf("it is %s, with messages of %d bytes", name, nc.MaxPayload())
	}
}

func TestLinesOfWhatIsOursAreRefusedByName(t *testing.T) {
	t.Parallel()
	for lines, says := range map[string]string{
		"jetstream { store_dir: '/tmp/x' }":               "leave out jetstream.store_dir",
		"jetstream { STORE_DIR: '/tmp/x' }":               "leave out jetstream.store_dir",
		"store_dir: '/tmp/x'":                             "leave out store_dir",
		"jetstream: disabled":                             "leave out jetstream: a bus is JetStream",
		"jetstream: false":                                "leave out jetstream: a bus is JetStream",
		"jetstream { enabled: false }":                    "leave out jetstream.enabled",
		"jetstream { sync_interval: 10s }":                "leave out jetstream.sync_interval",
		"jetstream { limits { batch { max_msgs: 10 } } }": "leave out jetstream.limits.batch.max_msgs",
		"log_file: '/tmp/x'":                              "leave out log_file: this process logs",
		"debug: true":                                     "leave out debug",
		"listen: '127.0.0.1:1'":                           "leave out listen: --addr says",
		"port: 1":                                         "leave out port: --addr says",
		"tls { cert_file: '/tmp/x', key_file: '/tmp/x' }": "leave out tls: --tlscert says that",
		"cluster { name: c, listen: '127.0.0.1:-1' }":     "server_name",
		"nonsense: 1":                                     "nonsense",
		"accounts {":                                      "--config",
	} {
		t.Run(lines, func(t *testing.T) {
			t.Parallel()
			c := bus.ServeConfig{Store: filepath.Join(t.TempDir(), "store"), Addr: anyPort, Config: config(t, lines)}
			if strings.HasPrefix(lines, "tls") {
				c.TLS = bus.TLS{Cert: "x", Key: "x"}
			}
			isNotServed(deadline(t), t, c, says)
		})
	}
	isNotServed(deadline(t), t, bus.ServeConfig{Store: t.TempDir(), Addr: anyPort, Config: "/nowhere/nats.conf"}, "/nowhere/nats.conf")
}

func TestListeningToOtherMachinesNeedsTLSOrInsistence(t *testing.T) {
	t.Parallel()
	ids := bustest.NewIdentities(t)
	withTLS := bus.TLS{Cert: ids.File("server.pem"), Key: ids.File("server.key")}
	mixed := fmt.Sprintf("listen: '0.0.0.0:-1', allow_non_tls: true,\ntls { cert_file: %q, key_file: %q }", withTLS.Cert, withTLS.Key)
	for lines, what := range map[string]string{
		"": "for clients", "listen: '0.0.0.0:-1'": "for clients", "listen: '127.0.0.1:-1', http: '0.0.0.0:-1'": "for monitoring",
		"listen: '127.0.0.1:-1', leafnodes { listen: '0.0.0.0:-1' }":                        "for leaf nodes",
		"listen: '127.0.0.1:-1', server_name: a, cluster { name: c, listen: '0.0.0.0:-1' }": "for the cluster",
		mixed: "for clients",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ctx, c := deadline(t), bus.ServeConfig{Store: t.TempDir()}
			if c.Config = config(t, lines); lines == "" {
				c.Config, c.Addr = "", "0.0.0.0:0"
			}
			isNotServed(ctx, t, c, what, "whoever reaches this port", "--insecure")
			c.Insecure = true
			if strings.Contains(lines, "cluster") {
				return // one server of a cluster waits for the others
			}
			if err := serveBus(ctx, t, c).stop(); err != nil {
				t.Error(err)
			}
			c.Config, c.Addr, c.Insecure, c.TLS, c.Store = "", "0.0.0.0:0", false, withTLS, t.TempDir()
			serveBus(ctx, t, c)
		})
	}
}

// A store remembers where it was served: that it was for all machines then is no leave for the next host.
func TestNextHostNeedsItsOwnLeaveToListenToOtherMachines(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	if err := serveBus(ctx, t, bus.ServeConfig{Store: dir, Addr: "0.0.0.0:0", Insecure: true}).stop(); err != nil {
		t.Fatal(err)
	}
	isNotServed(ctx, t, bus.ServeConfig{Store: dir}, "0.0.0.0", "--insecure")
	runKeeper(ctx, t, bus.KeeperConfig{Store: dir}).failed(ctx, t, "0.0.0.0", "--insecure")
	k := runKeeper(ctx, t, bus.KeeperConfig{Store: dir, Insecure: true})
	urlOf(ctx, t, k)
}

// Who may use the streams, whoever serves them next must know.
func TestGuardedStreamsAreNotServedToEverybody(t *testing.T) {
	t.Parallel()
	ctx, dir, ids := deadline(t), t.TempDir(), bustest.NewIdentities(t)
	file := config(t, "authorization { user: me, password: secret }")
	if err := serveBus(ctx, t, bus.ServeConfig{Store: dir, Addr: anyPort, Config: file}).stop(); err != nil {
		t.Fatal(err)
	}
	isNotServed(ctx, t, bus.ServeConfig{Store: dir}, "--config "+file, filepath.Join(dir, "guarded"))
	runKeeper(ctx, t, bus.KeeperConfig{Store: dir}).failed(ctx, t, "jetreduce bus --config "+file, "--server URL")
	withTLS := bus.TLS{Cert: ids.File("server.pem"), Key: ids.File("server.key")}
	if err := serveBus(ctx, t, bus.ServeConfig{Store: dir, Config: file, TLS: withTLS}).stop(); err != nil {
		t.Errorf("with more than before: %v", err)
	}
}

func TestAddressesOfOtherMachines(t *testing.T) {
	t.Parallel()
	for addr, beyond := range map[string]bool{
		"127.0.0.1:1": false, "127.8.9.1:1": false, "[::1]:1": false, "localhost:1": false, "127.0.0.1": false,
		":1": true, "0.0.0.0:1": true, "[::]:1": true, "192.0.2.7:1": true, "example.org:1": true, "localhost.example.org:1": true, "": true,
	} {
		if bus.Beyond(addr) != beyond {
			t.Errorf("%q: beyond this machine: %t", addr, !beyond)
		}
	}
}
