package bus_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

func TestFilesThatAreNoneOfWhatTheyShouldBeAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ids, err := bustest.WriteIdentities(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "junk"), []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	cert := func(file string) error { return bus.CheckCert(ids.File("client.pem"), file) }
	for _, check := range []struct {
		of   func(file string) error
		good string
		bad  []string
	}{
		{bus.CheckCreds, "user.creds", []string{"user.nk", "ca.pem", "junk", "none", ""}},
		{bus.CheckSeed, "user.nk", []string{"ca.pem", "junk", "none", ""}},
		{bus.CheckCA, "ca.pem", []string{"client.key", "user.creds", "junk", "none", ""}},
		{cert, "client.key", []string{"server.key", "client.pem", "junk", "none", ""}},
	} {
		if err := check.of(ids.File(check.good)); err != nil {
			t.Error(err)
		}
		for _, bad := range check.bad {
			if err := check.of(ids.File(bad)); err == nil || strings.HasPrefix(err.Error(), "nats:") {
				t.Errorf("%s in the place of %s: %v", bad, check.good, err)
			}
		}
	}
}

func TestPrefixesThatMakeNoNamesOrThoseOfAnotherAreRefused(t *testing.T) {
	t.Parallel()
	nc := bustest.StartBare(t).Conn()
	for prefix, good := range map[string]bool{
		"": true, "a": true, "jetreduce-2": true, strings.Repeat("a", 32): true,
		strings.Repeat("a", 33): false, "A": false, "Jetreduce": false, "a.b": false, "a_b": false, "a*": false, "2": false, "-a": false,
		"a b": false, "ä": false, "a>": false, "$js": false, "a/b": false, "a\n": false,
	} {
		if _, err := bus.New(nc, prefix); (err == nil) != good {
			t.Errorf("%q: %v", prefix, err)
		}
	}
	for prefix, good := range map[string]bool{
		"_INBOX_a": true, "_a.b": true, "a.b": false, "": false, "a.": false, ".a": false, "a..b": false, "a.>": false, "*": false, "a b": false,
	} {
		if err := bus.CheckInboxPrefix(prefix); (err == nil) != good {
			t.Errorf("inboxes %q: %v", prefix, err)
		}
	}
}

func TestStreamsOfAPrefixAreNotThoseOfOneThatBeginsLikeIt(t *testing.T) {
	t.Parallel()
	for stream, mine := range map[string]bool{
		"TEAM_JOBS": true, "TEAM_RUNS_u_1_0": true, "KV_team-state": true, "KV_team-commits": true, "OBJ_team-out": true,
		"TEAM-STATE_JOBS": false, "TEAM": false, "KV_team-state-state": false, "KV_team-state-commits": false, "OBJ_team-out-out": false,
		"KV_team-b": false, "team_JOBS": false, "JETREDUCE_JOBS": false,
	} {
		if bus.Mine("team", stream) != mine {
			t.Errorf("%s is of prefix team: %t", stream, !mine)
		}
	}
}
