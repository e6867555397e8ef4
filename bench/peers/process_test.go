package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestServerThatEndsAtOnceSaysWhy(t *testing.T) {
	_, err := launch{
		args: []string{"sh", "-c", "echo the port is taken; exit 1"}, dir: t.TempDir(), quit: syscall.SIGTERM,
		ready: func(context.Context) error { return errors.New("no answer") },
	}.start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the port is taken") {
		t.Errorf("%v", err)
	}
}

func TestInterruptWhileAServerStartsEndsIt(t *testing.T) {
	dir := t.TempDir()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	// It leaves a file when it has started, and another when it is told to end.
	script := `trap 'touch ended; kill $!; exit' TERM; sleep 1000 & touch started; wait`
	_, err := launch{
		args: []string{"sh", "-c", script}, dir: dir, quit: syscall.SIGTERM,
		ready: func(context.Context) error {
			if _, err := os.Stat(filepath.Join(dir, "started")); err == nil {
				interrupt()
			}
			return errors.New("no answer")
		},
	}.start(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "ended")); err != nil {
		t.Error("the server was not told to end")
	}
}

func TestNewestPostgresIsFound(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"9.6", "15", "8.4", "default"} {
		fakePrograms(t, filepath.Join(root, version, "bin"), "initdb", "postgres")
	}
	fakePrograms(t, filepath.Join(root, "17", "bin"), "psql") // clients only
	got, err := findPostgres(filepath.Join(root, "*", "bin"))
	if want := filepath.Join(root, "15", "bin"); got != want || err != nil {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if _, err := findPostgres(filepath.Join(root, "none", "*")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("where there is none: %v", err)
	}
}

func fakePrograms(t *testing.T, folder string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
