package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// The test binary is the NATS server too, as the program is.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == serveNATS {
		exit(natsServer(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// temporary makes a temporary folder that other accounts may pass through, which those of t.TempDir are not.
func temporary(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "peers-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	return dir
}

func mustBeEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestEachPeerIsMeasured(t *testing.T) {
	lines := map[string]int{"jetstream": 1, "river": 2, "asynq": 2}
	for _, peer := range peerNames {
		t.Run(peer, func(t *testing.T) {
			if packages := missing([]string{peer}); len(packages) > 0 {
				t.Skipf("not installed: apt-get install -y %s", strings.Join(packages, " "))
			}
			dir := temporary(t)
			var out bytes.Buffer
			if err := run(t.Context(), options{tasks: 1000, rounds: 1, peers: []string{peer}, json: true}, &out, io.Discard); err != nil {
				t.Fatal(err)
			}
			if got := bytes.Count(out.Bytes(), []byte("\n")); got != lines[peer] {
				t.Errorf("%d lines, want %d", got, lines[peer])
			}
			mustMeasure(t, &out)
			mustBeEmpty(t, dir)
		})
	}
}

// mustMeasure wants each line to be of this peer's settings, with a rate.
func mustMeasure(t *testing.T, out io.Reader) {
	t.Helper()
	for decoder := json.NewDecoder(out); ; {
		var line struct {
			Name  string
			Tasks float64 `json:"tasks_per_second"`
		}
		err := decoder.Decode(&line)
		if err == io.EOF {
			return
		}
		if err != nil || line.Name == "" || line.Tasks <= 0 {
			t.Fatalf("%+v, %v", line, err)
		}
	}
}

// interrupter ends a context when it is written to.
type interrupter context.CancelFunc

func (i interrupter) Write(p []byte) (int, error) {
	i()
	return len(p), nil
}

func TestInterruptLeavesNothingBehind(t *testing.T) {
	dir := temporary(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := run(ctx, options{tasks: 100, rounds: 2, peers: []string{"jetstream"}}, io.Discard, interrupter(cancel))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v: interrupted after the first of two rounds", err)
	}
	mustBeEmpty(t, dir)
}

func TestMissingServerSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", "")
	err := provide(t.Context(), []string{"asynq", "jetstream"}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "apt-get install -y -q redis-server") {
		t.Errorf("%v", err)
	}
	if err := provide(t.Context(), []string{"jetstream"}, io.Discard); err != nil {
		t.Errorf("JetStream needs nothing: %v", err)
	}
}
