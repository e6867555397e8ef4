package worker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/mapreduce"
)

// keeping is a word count whose mapper and reducer keep all back until they are flushed.
func keeping(fault error) mapreduce.Program {
	p := program("keeping", nil)
	p.Mapper = func(map[string]string) (mapreduce.Mapper, error) { return &keepingMapper{fault: fault}, nil }
	p.Reducer = func(map[string]string) (mapreduce.Reducer, error) { return &keepingReducer{fault: fault}, nil }
	return p
}

type keepingMapper struct {
	text  strings.Builder
	fault error
}

func (m *keepingMapper) Map(_ context.Context, batch mapreduce.Batch, _ mapreduce.Output) error {
	m.text.Write(batch.Data)
	return nil
}

func (m *keepingMapper) Flush(_ context.Context, out mapreduce.Output) error {
	for word := range strings.FieldsSeq(m.text.String()) {
		out.Emit([]byte(word), mapreduce.One())
	}
	return m.fault
}

type keepingReducer struct {
	rows  []string
	fault error
}

func (r *keepingReducer) Reduce(_ context.Context, key []byte, values iter.Seq[[]byte], _ mapreduce.Output) error {
	n := 0
	for range values {
		n++
	}
	r.rows = append(r.rows, fmt.Sprintf("%s=%d", key, n))
	return nil
}

func (r *keepingReducer) Flush(_ context.Context, out mapreduce.Output) error {
	for _, row := range r.rows {
		out.Emit([]byte(row), nil)
	}
	return r.fault
}

func TestWhatAProgramKeepsBackIsFlushed(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "keeping", "a b a")[0]
	task.Reduces = 1
	w := s.worker(t, keeping(nil))
	w.attempt(t.Context(), delivery(task))
	if got := s.commits[task.ID].Counts.Records; got != 3 {
		t.Errorf("%d records were committed, want 3: calls %q, failures %+v", got, s.calls, s.failures)
	}
	reduce := mapreduce.Task{
		ID: taskID(mapreduce.Reduce, 0), Program: "keeping", Target: &mapreduce.Target{},
		Roster: &mapreduce.RosterRef{Tasks: 1, Inline: mapreduce.Roster{{Worker: "w", N: 1}}.Encode()},
	}
	w.attempt(t.Context(), delivery(reduce))
	if got := s.commits[reduce.ID].Counts; got.Groups != 2 || got.Rows != 2 {
		t.Errorf("committed %+v, want 2 groups and 2 rows: failures %+v", got, s.failures)
	}
}

func TestFlushThatFailsFailsTheAttempt(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "keeping", "a")[0]
	s.worker(t, keeping(errors.New("no room for it"))).attempt(t.Context(), delivery(task))
	if len(s.failures) != 1 || !strings.Contains(s.failures[0].Reason, "at the end of a split: no room for it") {
		t.Errorf("failures %+v", s.failures)
	}
}

// Nobody can tell which record it was: it is not looked for.
func TestProgramThatKeepsBackIsNotGivenARecordAtATime(t *testing.T) {
	s := newSurroundings()
	task := whole(t, s, "keeping", "a", "b")
	task.Careful, task.SkipBad = true, 1
	s.worker(t, keeping(nil)).attempt(t.Context(), delivery(task))
	if got := s.commits[task.ID].Counts.Records; got != 2 {
		t.Errorf("%d records were committed, want 2: failures %+v", got, s.failures)
	}
}

func TestWorkerWithoutIOPullsOnlyItsClass(t *testing.T) {
	w := newSurroundings().worker(t)
	w.Also = []mapreduce.Class{mapreduce.Exec}
	slot, io := []mapreduce.Class{"test", mapreduce.Exec}, []mapreduce.Class{mapreduce.IO}
	if diff := cmp.Diff([][]mapreduce.Class{slot, io}, pulled(w)); diff != "" {
		t.Errorf("the slots pull (-want +got):\n%s", diff)
	}
	w.NoIO = true
	if diff := cmp.Diff([][]mapreduce.Class{slot}, pulled(w)); diff != "" {
		t.Errorf("without io the slots pull (-want +got):\n%s", diff)
	}
}

// pulled is what each slot pulls.
func pulled(w *Worker) (classes [][]mapreduce.Class) {
	for _, slot := range w.slots() {
		classes = append(classes, slot.classes)
	}
	return classes
}

// A blob may end inside a line: programs that read lines would see two.
func TestBlobsAreForProgramsThatReadWords(t *testing.T) {
	s := newSurroundings()
	for program, fits := range map[string]bool{"wordcount": true, "count": false, "unknown": false} {
		err := s.worker(t).fitsBlobs(mapreduce.Task{Program: program, Blob: 10})
		if fits != (err == nil) || err != nil && !mapreduce.IsPermanent(err) {
			t.Errorf("%s: %v", program, err)
		}
	}
}
