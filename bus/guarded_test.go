package bus_test

import (
	"os"
	"path/filepath"
	"testing"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

// guardedWays are ways to serve the streams of one directory, by how a command line says them.
func guardedWays(t *testing.T) map[string]bus.ServeConfig {
	t.Helper()
	ids, logins := bustest.NewIdentities(t), config(t, "authorization { user: me, password: secret }")
	shown := bus.TLS{Cert: ids.File("server.pem"), Key: ids.File("server.key")}
	mutual := shown
	mutual.CA = ids.File("ca.pem")
	return map[string]bus.ServeConfig{
		"open": {}, "--tlscert": {TLS: shown}, "--tlscert --tlsca": {TLS: mutual}, "--config": {Config: logins},
		"--config --tlscert": {Config: logins, TLS: shown}, "--config --tlscert --tlsca": {Config: logins, TLS: mutual},
	}
}

// What kept somebody out once keeps him out until somebody says otherwise: whoever serves the streams next may ask for more, not for less.
func TestStreamsAreNotServedWithLessThanBefore(t *testing.T) {
	t.Parallel()
	ways := guardedWays(t)
	for was, less := range map[string][]string{
		"open":                       {},
		"--tlscert":                  {"open", "--config"},
		"--tlscert --tlsca":          {"open", "--tlscert", "--config", "--config --tlscert"},
		"--config":                   {"open", "--tlscert", "--tlscert --tlsca"},
		"--config --tlscert":         {"open", "--tlscert", "--tlscert --tlsca", "--config"},
		"--config --tlscert --tlsca": {"open", "--tlscert", "--tlscert --tlsca", "--config", "--config --tlscert"},
	} {
		t.Run(was, func(t *testing.T) {
			t.Parallel()
			ctx, dir := deadline(t), t.TempDir()
			serve := func(way string) bus.ServeConfig {
				c := ways[way]
				c.Store, c.Addr = dir, anyPort
				return c
			}
			serveOnce := func(way string) {
				t.Helper()
				if err := serveBus(ctx, t, serve(way)).stop(); err != nil {
					t.Errorf("served with %s: %v", way, err)
				}
			}
			serveOnce(was)
			for _, way := range less {
				isNotServed(ctx, t, serve(way), "were served with", filepath.Join(dir, "guarded"))
			}
			serveOnce(was) // to have been refused changes nothing
			serveOnce("--config --tlscert --tlsca")
		})
	}
}

// A coordinator that hosts the bus of a machine has neither logins nor TLS to serve it with.
func TestStreamsBehindMutualTLSAreNotHostedByACoordinator(t *testing.T) {
	t.Parallel()
	ctx, dir, ways := deadline(t), t.TempDir(), guardedWays(t)
	c := ways["--tlscert --tlsca"]
	c.Store, c.Addr = dir, anyPort
	if err := serveBus(ctx, t, c).stop(); err != nil {
		t.Fatal(err)
	}
	runKeeper(ctx, t, bus.KeeperConfig{Store: dir}).failed(ctx, t, "--tlsca "+c.TLS.CA, "--server URL")
}

// The file that remembers is there for whoever wants to forget: without it the streams are served openly.
func TestStreamsAreServedOpenlyWhenSomebodySaysSo(t *testing.T) {
	t.Parallel()
	ctx, dir := deadline(t), t.TempDir()
	c := guardedWays(t)["--config"]
	c.Store, c.Addr = dir, anyPort
	if err := serveBus(ctx, t, c).stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "guarded")); err != nil {
		t.Fatal(err)
	}
	connect(ctx, t, serveBus(ctx, t, bus.ServeConfig{Store: dir, Addr: anyPort}).url)
}
