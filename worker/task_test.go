package worker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// mapFunc is a mapper.
type mapFunc func(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error

func (f mapFunc) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	return f(ctx, batch, out)
}

// program is a program of one mapper, whose values are kept and summed.
func program(name string, mapper mapFunc) mapreduce.Program {
	return mapreduce.Program{
		Name:    name,
		Mapper:  func(map[string]string) (mapreduce.Mapper, error) { return mapper, nil },
		Reducer: mapreduce.SumReducer,
	}
}

func taskID(phase mapreduce.Phase, n int) mapreduce.TaskID {
	return mapreduce.TaskID{UID: "u", Phase: phase, N: n, Generation: 1}
}

// planner is the attempt that wrote the plan.
var planner = mapreduce.Attempt{Worker: "planner", N: 1}

// planned plans one file with these lines, one a split, and returns its map tasks.
func planned(t *testing.T, s *surroundings, program string, lines ...string) []mapreduce.Task {
	t.Helper()
	return cut(t, s, program, 1, lines...)
}

// whole plans one file with these lines in one split, and returns its map task.
func whole(t *testing.T, s *surroundings, program string, lines ...string) mapreduce.Task {
	t.Helper()
	return cut(t, s, program, 1<<20, lines...)[0]
}

func cut(t *testing.T, s *surroundings, program string, splitSize int64, lines ...string) []mapreduce.Task {
	t.Helper()
	path := filepath.Join(t.TempDir(), "input")
	var text string
	for _, line := range lines {
		text += line + "\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	plan := mapreduce.Task{ID: taskID(mapreduce.Plan, 0), Inputs: []string{path}, SplitSize: splitSize, Program: program, Slots: 8}
	s.worker(t).attempt(context.Background(), mapreduce.Delivery{Task: plan, Receipt: "plan"})
	commit, known := s.commits[plan.ID]
	if !known || commit.Plan == nil {
		t.Fatalf("no plan: %+v", s.failures)
	}
	var tasks []mapreduce.Task
	for n := range commit.Plan.Splits {
		ref := mapreduce.PlanRef{Plan: plan.ID, Attempt: commit.Attempt, Index: n}
		tasks = append(tasks, mapreduce.Task{ID: taskID(mapreduce.Map, n), Job: "job", Program: program, Split: &ref, Reduces: 2})
	}
	s.calls = nil
	return tasks
}

// finishing is a finish task over one reduced partition that holds these rows, in the surroundings.
func finishing(t *testing.T, s *surroundings, words string) (task mapreduce.Task, path string) {
	t.Helper()
	maps := planned(t, s, "wordcount", words)
	maps[0].Reduces = 1
	w := s.worker(t)
	w.attempt(context.Background(), delivery(maps[0]))
	path = filepath.Join(t.TempDir(), "result")
	target := &mapreduce.Target{To: output.URL(path)}
	reduce := mapreduce.Task{
		ID: taskID(mapreduce.Reduce, 0), Job: "job", Program: "wordcount", Target: target,
		Roster: &mapreduce.RosterRef{Tasks: 1, Inline: mapreduce.Roster{s.commits[maps[0].ID].Attempt}.Encode()},
	}
	w.attempt(context.Background(), delivery(reduce))
	by := s.commits[reduce.ID].Attempt
	if by.IsZero() {
		t.Fatalf("nothing reduced: %+v", s.failures)
	}
	s.calls = nil
	return mapreduce.Task{
		ID: taskID(mapreduce.Finish, 0), Job: "job", Program: "wordcount", Target: target,
		Roster: &mapreduce.RosterRef{Tasks: 1, Inline: mapreduce.Roster{by}.Encode()},
	}, path
}

func delivery(task mapreduce.Task) mapreduce.Delivery {
	return mapreduce.Delivery{Task: task, Receipt: fmt.Sprint("r", task.ID.N), Patience: time.Minute}
}
