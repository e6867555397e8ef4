package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a container's first process was told is how its daemon is asked.
func TestHealthTakesOverWhatTheDaemonWasTold(t *testing.T) {
	t.Parallel()
	for _, one := range []struct{ line, daemon, server, creds string }{
		{"/jetreduce worker --server nats://bus:4222 --root /data", workerDaemon, "nats://bus:4222", ""},
		{"/jetreduce coordinator --server=nats://a,nats://b --creds /c --insecure", coordinatorDaemon, "nats://a,nats://b", "/c"},
		{"/jetreduce bus --insecure --addr 0.0.0.0:5222 --store /nowhere", busDaemon, "nats://127.0.0.1:5222", ""},
		{"/jetreduce bus --addr=:5222 --store /nowhere", busDaemon, "nats://127.0.0.1:5222", ""},
		{"/sbin/docker-init -- /jetreduce worker --server nats://bus:4222", workerDaemon, "nats://bus:4222", ""},
		{"tini -g -- jetreduce backup --creds /c", "backup", "", "/c"},
		{"/usr/bin/env A=/b jetreduce worker", workerDaemon, "", ""},
		{"/sbin/docker-init -- sleep worker", "", "", ""},
		{"tini -- gosu jetreduce jetreduce worker", workerDaemon, "", ""},
		{"/jetreduce worker", workerDaemon, "", ""},
		{"/jetreduce run wordcount worker", "", "", ""},
		{"/bin/sh", "", "", ""},
		{"", "", "", ""},
	} {
		cmd := newHealth(Terminal{})
		h := readHere(strings.Split(one.line, " "))
		if err := h.adopt(t.Context(), cmd); err != nil {
			t.Fatal(err)
		}
		got := []string{h.daemon, cmd.Flag("server").Value.String(), cmd.Flag("creds").Value.String(), cmd.Flag("tlscert").Value.String()}
		if diff := cmp.Diff([]string{one.daemon, one.server, one.creds, ""}, got); diff != "" {
			t.Errorf("%s: %s", one.line, diff)
		}
	}
}

// What was typed counts more.
func TestHealthKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	cmd := newHealth(Terminal{})
	if err := cmd.ParseFlags([]string{"--server", "nats://typed"}); err != nil {
		t.Fatal(err)
	}
	if err := readHere([]string{"/jetreduce", "worker", "--server", "nats://told"}).adopt(t.Context(), cmd); err != nil {
		t.Fatal(err)
	}
	if got := cmd.Flag("server").Value.String(); got != "nats://typed" {
		t.Errorf("server %s", got)
	}
}

// What else stands on the command line of a process may be anything.
func FuzzReadHere(f *testing.F) {
	f.Add("/jetreduce\x00worker\x00--server\x00nats://bus:4222")
	f.Add("tini\x00--\x00jetreduce\x00bus\x00--addr=")
	f.Fuzz(func(t *testing.T, line string) {
		_ = readHere(strings.Split(line, "\x00")).adopt(t.Context(), newHealth(Terminal{}))
	})
}
