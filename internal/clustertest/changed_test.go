package clustertest_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jetreduce/internal/clustertest"
	"jetreduce/mapreduce"
)

// An input that is not what it was when the job was planned fails the job by name, whether it changes while it is read
// or before. No output appears, and no other attempt is wasted on it.
func TestInputThatChangesFailsTheJobByName(t *testing.T) {
	for what, change := range map[string]func(path string) error{
		"edited": func(path string) error {
			return os.WriteFile(path, []byte("x b\nc d\n"), 0o600)
		},
		"edited and dated back": func(path string) error {
			info, err := os.Stat(path)
			return errors.Join(err, os.WriteFile(path, []byte("x b\nc d\n"), 0o600), os.Chtimes(path, time.Time{}, info.ModTime()))
		},
		"appended to": func(path string) error { return os.WriteFile(path, []byte("a b\nc d\ne\n"), 0o600) },
		"truncated":   func(path string) error { return os.Truncate(path, 4) },
		"replaced": func(path string) error {
			other := path + ".new"
			return errors.Join(os.WriteFile(other, []byte("a b\nc d\n"), 0o600), os.Rename(other, path))
		},
		"replaced by a directory": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"removed":                 os.Remove,
	} {
		for when, victim := range map[string]int{"while it is read": 0, "before it is read": 1} {
			t.Run(what+" "+when, func(t *testing.T) {
				t.Parallel()
				paths := clustertest.WriteFiles(t, "a b\nc d\n", "a b\nc d\n")
				changeAndCompare(t, paths, paths[victim], change)
			})
		}
	}
}

// changeAndCompare runs a job over files of one split each. The first map, of the first file, changes the victim.
func changeAndCompare(t *testing.T, paths []string, victim string, change func(path string) error) {
	meddler := &meddler{change: func() error { return change(victim) }}
	cluster := clustertest.Cluster{Programs: []mapreduce.Program{{
		Name:    "meddle",
		Mapper:  func(map[string]string) (mapreduce.Mapper, error) { return meddler, nil },
		Reducer: mapreduce.SumReducer,
	}}}
	result := filepath.Join(t.TempDir(), "result")
	status := cluster.RunTo(t, result, mapreduce.Job{Program: "meddle", Inputs: paths, SplitSize: 8})
	if status.Maps.Total != len(paths) {
		t.Fatalf("%d maps: this test needs one a file", status.Maps.Total)
	}
	if meddler.err != nil {
		t.Fatal(meddler.err)
	}
	if status.State != mapreduce.Failed || status.Attempts.Failed != 1 {
		t.Errorf("state %s after %d failed attempts", status.State, status.Attempts.Failed)
	}
	for _, want := range []string{"input changed", victim} {
		if !strings.Contains(status.Error, want) {
			t.Errorf("the error %q does not say %q", status.Error, want)
		}
	}
	if victim != paths[0] && slices.Contains(meddler.saw, victim) {
		t.Error("the program was given what is not the input that was planned")
	}
	left, err := os.ReadDir(filepath.Dir(result))
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
		t.Errorf("beside the output there is %v, error %v", left, err)
	}
}

// meddler is a mapper that does something else in its first call. The worker has one slot: calls follow each other.
type meddler struct {
	change func() error
	saw    []string // sources
	err    error
}

func (m *meddler) Map(_ context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if m.saw = append(m.saw, batch.Source); len(m.saw) == 1 {
		m.err = m.change()
	}
	out.Emit([]byte("key"), mapreduce.One())
	return nil
}
