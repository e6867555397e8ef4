package cli_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"jetreduce"
)

// TestMain makes this test binary the jetreduce command, when the scripts call it by that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"jetreduce": func() { jetreduce.Main() }})
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
			return os.Mkdir(filepath.Join(env.WorkDir, "cache"), 0o700)
		},
		Condition: func(name string) (bool, error) {
			_, err := os.Stat(data)
			return name == "data" && err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "awaits": awaits, "swept": swept,
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

// swept DIR: no run has left a store in the cache directory.
func swept(ts *testscript.TestScript, neg bool, args []string) {
	found, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "jetreduce", "run-*"))
	ts.Check(err)
	if neg != (len(found) > 0) {
		ts.Fatalf("stores: %v", found)
	}
}
