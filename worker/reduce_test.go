package worker

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

// unsorted says that its rows have the keys of their groups, and gives them others: behind each group's, or at the end.
type unsorted struct{ late bool }

func (u unsorted) Reduce(_ context.Context, key []byte, _ iter.Seq[[]byte], out mapreduce.Output) error {
	out.Emit(key, nil)
	if !u.late {
		out.Emit([]byte("0"), nil)
	}
	return nil
}

func (u unsorted) Flush(_ context.Context, out mapreduce.Output) error {
	out.Emit([]byte("0"), nil)
	return nil
}

func TestProgramWhoseRowsComeOutOfOrderIsNamed(t *testing.T) {
	for _, late := range []bool{false, true} {
		s := newSurroundings()
		unsortedProgram := keeping(nil)
		unsortedProgram.Name, unsortedProgram.SameKey = "unsorted", true
		unsortedProgram.Reducer = func(map[string]string) (mapreduce.Reducer, error) { return unsorted{late}, nil }
		task := planned(t, s, "unsorted", "a b")[0]
		task.Reduces = 1
		w := s.worker(t, unsortedProgram)
		w.attempt(t.Context(), delivery(task))
		w.attempt(t.Context(), delivery(mapreduce.Task{
			ID: taskID(mapreduce.Reduce, 0), Program: "unsorted", Target: &mapreduce.Target{},
			Roster: &mapreduce.RosterRef{Tasks: 1, Inline: mapreduce.Roster{s.commits[task.ID].Attempt}.Encode()},
		}))
		if len(s.failures) != 1 || !s.failures[0].Permanent {
			t.Fatalf("late %t: failures %+v, want a permanent one", late, s.failures)
		}
		want := fmt.Sprintf(`rows of reduce unsorted: key "0" comes behind %q`, map[bool]string{false: "a", true: "b"}[late])
		if reason := s.failures[0].Reason; !strings.Contains(reason, want) {
			t.Errorf("late %t: %q, want %q", late, reason, want)
		}
	}
}

// A program that sees all keys in one partition has nothing to say of the others.
func TestReducerOfFewerPartitionsSaysNothingOfTheRest(t *testing.T) {
	s := newSurroundings()
	task := whole(t, s, "count", "a", "b")
	task.Reduces = 3
	w := s.worker(t)
	w.attempt(t.Context(), delivery(task))
	by := mapreduce.Roster{s.commits[task.ID].Attempt}.Encode()
	var rows []int64
	for n := range 3 {
		reduce := mapreduce.Task{
			ID: taskID(mapreduce.Reduce, n), Job: "job", Program: "count", Target: &mapreduce.Target{To: "file:///out"},
			Roster: &mapreduce.RosterRef{Tasks: 1, Inline: by},
		}
		w.attempt(t.Context(), delivery(reduce))
		rows = append(rows, s.commits[reduce.ID].Counts.Rows)
	}
	if fmt.Sprint(rows) != "[1 0 0]" || len(s.failures) > 0 {
		t.Errorf("rows by partition: %v, failures %+v", rows, s.failures)
	}
}
