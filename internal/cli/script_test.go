package cli_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"

	"jetreduce"
)

// TestMain makes this test binary the jetreduce command, when the scripts call it by that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"jetreduce": func() { jetreduce.Main() }, "nats-server": natsServer})
}

// TestCommandLine runs the scripts: each is a promise of the command line, on real processes.
func TestCommandLine(t *testing.T) {
	data, err := filepath.Abs("../../../shared/data")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
			env.Setenv("DATA", data)
			env.Values[overheardKey{}] = &overheard{subjects: map[string]bool{}}
			for _, name := range []string{"PORT", "PORT2"} {
				port, err := freePort()
				if err != nil {
					return err
				}
				env.Setenv(name, port)
			}
			return os.Mkdir(filepath.Join(env.WorkDir, "cache"), 0o700)
		},
		Condition: func(name string) (bool, error) {
			_, err := os.Stat(data)
			return name == "data" && err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "awaits": awaits, "swept": swept, "listens": listens, "answers": answers, "uploads": uploads,
			"noise": noise, "request": request, "kept": kept, "identities": identities, "overhears": overhears, "foreign": foreign,
			"clusterfiles": clusterFiles,
		},
	})
}

// exits N PROGRAM ARG...: the program must end with this code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("%s ended with %d, want %d", strings.Join(args[1:], " "), code, want)
	}
}

// awaits GLOB: waits until a file matches.
func awaits(ts *testscript.TestScript, neg bool, args []string) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	limit := time.After(time.Minute)
	for {
		found, err := filepath.Glob(ts.MkAbs(args[0]))
		ts.Check(err)
		if len(found) > 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-limit:
			ts.Fatalf("nothing came to match %s", args[0])
		}
	}
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}

// listens PORT: waits until somebody listens there.
func listens(ts *testscript.TestScript, neg bool, args []string) {
	until(ts, "nobody listens at "+args[0], func() bool {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", args[0]))
		if err != nil {
			return false
		}
		ts.Check(conn.Close())
		return true
	})
}

// answers: waits until a leader answers.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	until(ts, "no leader answers", func() bool { return ts.Exec("jetreduce", "jobs") == nil })
}

// uploads N: so many uploads stand on the bus.
func uploads(ts *testscript.TestScript, neg bool, args []string) {
	nc, err := nats.Connect(ts.Getenv("NATS_URL"))
	ts.Check(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	ts.Check(err)
	found := 0
	for name := range js.StreamNames(context.Background()).Name() {
		if strings.HasPrefix(name, "JETREDUCE_INPUT_") {
			found++
		}
	}
	if strconv.Itoa(found) != args[0] {
		ts.Fatalf("%d uploads, want %s", found, args[0])
	}
}

// until waits until something is so.
func until(ts *testscript.TestScript, otherwise string, so func() bool) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for limit := time.After(time.Minute); !so(); {
		select {
		case <-ticker.C:
		case <-limit:
			ts.Fatalf("%s", otherwise)
		}
	}
}

// swept DIR: no run has left a store in the cache directory.
func swept(ts *testscript.TestScript, neg bool, args []string) {
	found, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "jetreduce", "run-*"))
	ts.Check(err)
	if neg != (len(found) > 0) {
		ts.Fatalf("stores: %v", found)
	}
}
