package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"jetreduce/mapreduce/programs"
)

// Promise: what is typed is done or refused, never passed over; and a flag that comes later is refused until somebody says otherwise.
func TestFlagOfAnotherWayToRunIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "in.txt")
	if err := os.WriteFile(file, []byte("a word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ command, first, takes string }{
		{"coordinator", "--file=" + file, "file output blob port store fence-host log help"},
		{"worker", "--id=3", "id hostname port log help"},
	} {
		command, _, err := newRoot(Terminal{Out: io.Discard, Err: io.Discard}, programs.Set{}).Find([]string{c.command})
		if err != nil {
			t.Fatal(err)
		}
		command.Flags().VisitAll(func(flag *pflag.Flag) {
			if !slices.Contains(strings.Fields(c.takes), flag.Name) {
				checkRefused(t, flag, c.command, c.first)
			}
		})
	}
}

// checkRefused types a flag behind a command, with the value that it would have anyway, if it has one.
func checkRefused(t *testing.T, flag *pflag.Flag, command ...string) {
	t.Helper()
	value := cmp.Or(strings.Trim(flag.DefValue, "[]"), "1")
	root := newRoot(Terminal{Out: io.Discard, Err: io.Discard}, programs.Set{})
	root.SetArgs(append(command, "--"+flag.Name+"="+value))
	if err := root.ExecuteContext(t.Context()); exitCode(err) != exitUsage || !strings.Contains(err.Error(), "--"+flag.Name) {
		t.Errorf("%v --%s=%s: %v, want it refused", command, flag.Name, value, err)
	}
}

func TestTheFirstOfSeveralSlipsIsSaid(t *testing.T) {
	t.Parallel()
	for range 20 { // chance would have it otherwise once
		shape := shapeFlags{replicas: 2, data: 2}
		if err := shape.check(); err == nil || err.Error() != "--replicas 2: use 1 or 3" {
			t.Fatal(err)
		}
		worker := workerFlags{}
		if err := worker.directories(); err == nil || err.Error() != "--root names no directory" {
			t.Fatal(err)
		}
		root := newRoot(Terminal{Out: io.Discard, Err: io.Discard}, programs.Set{})
		root.SetArgs([]string{"coordinator", "--tcp=h:1", "--addr=h:2"})
		tcp, addr, _ := strings.Cut(fmt.Sprint(root.ExecuteContext(t.Context())), "\n")
		if !strings.HasPrefix(tcp, "--tcp h:1: ") || !strings.HasPrefix(addr, "coordinator --addr h:2: ") {
			t.Fatal(tcp, addr)
		}
	}
}
