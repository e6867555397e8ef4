package bench_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jetreduce/internal/bench"
	"jetreduce/mapreduce"
)

// program is an executable script.
func program(t *testing.T, dir, name, script string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// measuredBy measures a benchmark, tiny, with another program in place of jetreduce.
func measuredBy(t *testing.T, self, name string) ([]bench.Row, error) {
	t.Helper()
	chosen, err := bench.Select([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	return bench.MeasureOn(chosen[0], t.Context(), &bench.Stage{Dir: t.TempDir(), Self: self, Rounds: 1, Scale: 1e-6})
}

func TestMemoryOfAWrongAnswerIsNotMeasured(t *testing.T) {
	t.Parallel()
	self := program(t, t.TempDir(), "jetreduce", `case "$2" in
baseline) printf 'a\t1\n' >"$4" ;;
child) echo '{"cpu":1,"memory":1}' >"$3"; printf 'a\t1\n' >"$9" ;;
esac`)
	if rows, err := measuredBy(t, self, "memory"); err == nil || !strings.Contains(err.Error(), "differ") || len(rows) > 0 {
		t.Errorf("rows %+v: %v", rows, err)
	}
}

// greps writes what `run grep --arg literal=NEEDLE INPUT -o OUTPUT` would.
const greps = `[ "$2" = grep ] && exec grep -F "${4#literal=}" "$5" >"$7"`

func TestOtherGrepThatFailsIsNoRow(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	program(t, dir, "rg", "echo broken >&2; exit 2")
	self := program(t, dir, "jetreduce", greps)
	if rows, err := measuredBy(t, self, "grep-1g"); err == nil || !strings.Contains(err.Error(), "broken") || len(rows) > 0 {
		t.Errorf("rows %+v: %v", rows, err)
	}
}

// A row that says "reached" beside one that says "not measured" would be read as reached.
func TestRowsOfWhatFailsAreNotShown(t *testing.T) {
	t.Parallel()
	fails := bench.Benchmark{Name: "fails", Measure: func(context.Context, *bench.Stage) ([]bench.Row, error) {
		return []bench.Row{{Measure: "fails", Ratio: 2, Target: bench.Target{Ratio: 1}}}, os.ErrInvalid
	}}
	rows, err := bench.Run(t.Context(), &bench.Stage{Dir: t.TempDir()}, []bench.Benchmark{fails}, func(bench.Row) {})
	if err == nil || len(rows) != 1 || rows[0].Missing == "" || rows[0].Reached != nil {
		t.Errorf("%+v: %v", rows, err)
	}
}

func TestEnvironmentNamesNoServer(t *testing.T) {
	for _, name := range []string{"NATS_URL", "NATS_CONTEXT", "JETREDUCE_STORE", "TMPDIR"} {
		t.Setenv(name, "of-the-user")
	}
	env := bench.Environment("scratch", "cache")
	for _, variable := range env {
		if strings.HasSuffix(variable, "=of-the-user") {
			t.Errorf("%s is inherited", variable)
		}
	}
	for _, want := range []string{"TMPDIR=scratch", "XDG_CACHE_HOME=cache", "PATH=" + os.Getenv("PATH")} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestPackedTasksAreNotTakenForMaps(t *testing.T) {
	t.Parallel()
	status := mapreduce.Status{}
	status.Maps.Total = 391
	if bench.Unpacked(status, 391) != nil || bench.Unpacked(status, 100_000) == nil {
		t.Error("391 maps are 391 tasks, and not 100,000")
	}
}
