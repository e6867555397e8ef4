package worker

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

func TestTopRowsComeInTheOrderAskedFor(t *testing.T) {
	for order, want := range map[string]string{"": "B\t2\nb\t3\nc\t2\n", "original": "b\t3\nB\t2\nc\t2\n"} {
		s := newSurroundings()
		w := s.worker(t, byFirst())
		path := filepath.Join(t.TempDir(), "out.tsv")
		target := mapreduce.Target{To: output.URL(path), Order: order, Top: 3}
		task := until(t, s, w, target, "first", 3, "a b b c e", "c b d d B B")
		w.attempt(t.Context(), delivery(task))
		checkOutput(t, path, want)
		if s.commits[task.ID].Counts.Rows != 3 {
			t.Errorf("%+v", s.commits[task.ID])
		}
	}
}

func TestTopOfWhatAreNoNumbersFailsTheJob(t *testing.T) {
	s := newSurroundings()
	w := s.worker(t)
	path := filepath.Join(t.TempDir(), "out.tsv")
	task := until(t, s, w, mapreduce.Target{To: output.URL(path), Top: 3}, "identity", 1, "apple\t7", "pear\tmany")
	w.attempt(t.Context(), delivery(task))
	if len(s.failures) != 1 || !s.failures[0].Permanent || !strings.Contains(s.failures[0].Reason, `key "pear" is "many"`) {
		t.Errorf("%+v", s.failures)
	}
	checkOutput(t, path, "")
}

func TestFileIsCompressedAsItsNameOrTheTargetSays(t *testing.T) {
	for name, codec := range map[string]mapreduce.Codec{"out.csv.gz": "", "out": mapreduce.Gzip} {
		s := newSurroundings()
		w := s.worker(t)
		path := filepath.Join(t.TempDir(), name)
		task := until(t, s, w, mapreduce.Target{To: output.URL(path), Codec: codec}, "wordcount", 2, "b a b")
		w.attempt(t.Context(), delivery(task))
		w.attempt(t.Context(), delivery(task)) // and again: the same bytes
		if len(s.failures) > 0 {
			t.Fatalf("%+v", s.failures)
		}
		if got := unzip(t, path); got != "a\t1\nb\t2\n" {
			t.Errorf("%s holds %q", name, got)
		}
	}
	s := newSurroundings()
	results := &shelf{s: s, stored: map[string]string{}}
	w := s.worker(t)
	w.Results = results
	task := until(t, s, w, mapreduce.Target{To: "object://mine/out.tsv.gz"}, "wordcount", 2, "b a b")
	w.attempt(t.Context(), delivery(task))
	path := filepath.Join(t.TempDir(), "fetched")
	if err := os.WriteFile(path, []byte(results.stored["object://mine/out.tsv.gz"]), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := unzip(t, path); got != "a\t1\nb\t2\n" {
		t.Errorf("the object holds %q", got)
	}
}

// echo emits what it was given, the last value first.
type echo struct{}

func (echo) Reduce(_ context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	var all []string
	for value := range values {
		all = append(all, string(value))
	}
	for _, value := range slices.Backward(all) {
		out.Emit([]byte(value), key)
	}
	return nil
}

func TestEmittedRowsKeepThePlacesThatReducersGaveThem(t *testing.T) {
	s := newSurroundings()
	p := byFirst()
	p.Name, p.Reducer = "echo", func(map[string]string) (mapreduce.Reducer, error) { return echo{}, nil }
	p.Mapper = func(map[string]string) (mapreduce.Mapper, error) {
		return mapFunc(func(_ context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
			for n, word := range strings.Fields(string(batch.Data)) {
				out.Emit([]byte(word), fmt.Append(nil, n))
			}
			return nil
		}), nil
	}
	w := s.worker(t, p)
	path := filepath.Join(t.TempDir(), "out")
	task := until(t, s, w, mapreduce.Target{To: output.URL(path), Order: output.Emitted}, "echo", 3, "x a b a Z x")
	w.attempt(t.Context(), delivery(task))
	checkOutput(t, path, "4\tZ\n3\ta\n1\ta\n2\tb\n5\tx\n0\tx\n")
}
