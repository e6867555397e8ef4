package onejob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"jetreduce/bus/bustest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A claim has one holder, who is named to all others, and is free again when it is dropped.
func TestClaimNamesItsHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "claim")
	must(t, os.WriteFile(path, []byte("123456789123\n"), 0o600)) // of a holder that has died
	first, err := take(path)
	must(t, err)
	var taken claimed
	if _, err = take(path); !errors.As(err, &taken) || taken.pid != 0 {
		t.Errorf("%v, want that it is not known who has it", err)
	}
	must(t, first.sign())
	if _, err = take(path); !errors.As(err, &taken) || taken.pid != os.Getpid() {
		t.Errorf("%v, want that process %d has it", err, os.Getpid())
	}
	must(t, first.drop())
	if left, err := os.ReadFile(path); err != nil || len(left) > 0 {
		t.Errorf("a claim that nobody has names %q, %v", left, err)
	}
	again, err := take(path)
	must(t, err)
	must(t, again.drop())
	if _, err := take(filepath.Join(path, "no", "directory")); err == nil || errors.As(err, &taken) {
		t.Errorf("a claim that cannot be: %v", err)
	}
}

// The lock is the claim. That nothing can be written about it is worth a warning, and no more.
func TestClaimThatCannotBeSignedIsAClaim(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	m := &member{Config: Config{Addr: "127.0.0.1:0", Claim: filepath.Join(t.TempDir(), "pipe")}}
	m.Log = slog.New(slog.NewTextHandler(&said, nil))
	must(t, unix.Mkfifo(m.Claim, 0o600))
	own, err := m.occupy()
	must(t, err)
	must(t, errors.Join(own.Close(), own.drop()))
	if log := said.String(); !strings.Contains(log, "level=WARN msg=\"other coordinators of this port cannot be told who has it\"") {
		t.Errorf("it is said that %s", log)
	}
}

// Who has not signed yet is not to be killed: kill takes 0 for whoever asks it, and all that came with that.
func TestOnlyWhoIsNamedIsToBeKilled(t *testing.T) {
	t.Parallel()
	for pid, kill := range map[int]bool{0: false, 4711: true} {
		var said bytes.Buffer
		m := &member{Config: Config{Addr: "127.0.0.1:1", Log: slog.New(slog.NewTextHandler(&said, nil))}}
		m.queueUp(time.Now().Add(-time.Hour)).behindOurs(t.Context(), pid)
		log := said.String()
		if !strings.Contains(log, "leads no more") || strings.Contains(log, fmt.Sprintf("kill -KILL %d", pid)) != kill {
			t.Errorf("of process %d it is said that %s", pid, log)
		}
	}
}

// A file that was tampered with names nobody.
func TestSignatureIsAProcessOrNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "17\n": 17, "-1\n": 0, "x\n": 0} {
		path := filepath.Join(t.TempDir(), "claim")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		file, err := os.Open(path)
		must(t, err)
		if pid := signature(file); pid != want {
			t.Errorf("%q is of process %d, want %d", text, pid, want)
		}
		must(t, file.Close())
	}
}

// A reign that has ended takes no port.
func TestReignThatHasEndedIsNotServed(t *testing.T) {
	t.Parallel()
	m := &member{Config: Config{Addr: "127.0.0.1:0", Claim: filepath.Join(t.TempDir(), "claim"), Log: bustest.Quiet()}}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, m.serve(ended))
	if _, err := os.Stat(m.Claim); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was claimed: %v", err)
	}
}

// What does not change is said again and again, less and less often, and once a minute in the end.
func TestReminderBecomesRarer(t *testing.T) {
	t.Parallel()
	began := time.Now()
	r := remindFrom(began.Add(leaveFor))
	var said []int
	for second := range 301 {
		if r.due(began.Add(time.Duration(second) * time.Second)) {
			said = append(said, second)
		}
	}
	want := []int{1, 3, 7, 15, 31, 63, 123, 183, 243}
	if len(said) != len(want) {
		t.Fatalf("said at %v, want %v", said, want)
	}
	for i := range want {
		if said[i] != want[i] {
			t.Fatalf("said at %v, want %v", said, want)
		}
	}
}
