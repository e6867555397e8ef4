package worker

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"jetreduce/mapreduce"
)

// programOf is the program that a task is for. Commands are run by workers only that were allowed to, whatever stands in the queue.
func (w *Worker) programOf(task mapreduce.Task) (mapreduce.Program, error) {
	if task.Commands == nil {
		program, err := w.Program(task.Program)
		if err != nil {
			err = unknownProgram{err} // a worker of another binary may have it
		}
		return program, err
	}
	runs := task.ID.Phase == mapreduce.Map || task.ID.Phase == mapreduce.Reduce
	if w.Commands == nil || runs && w.Class != mapreduce.Exec && !slices.Contains(w.Also, mapreduce.Exec) {
		return mapreduce.Program{}, fmt.Errorf("%w: it runs no commands", mapreduce.ErrNotMine)
	}
	return w.Commands(*task.Commands), nil
}

// unknownProgram is an error that says that this worker lacks a program: mapreduce.ErrAbsent in other words.
type unknownProgram struct{ error }

func (u unknownProgram) Unwrap() []error { return []error{u.error, mapreduce.ErrAbsent} }

// execution is what a map or reduce task does.
type execution func(ctx context.Context, a *attempt) (mapreduce.Commit, error)

// inContext executes a map or a reduce in the context that its program knows it by, and adds what the program has counted.
func (w *Worker) inContext(ctx context.Context, a *attempt, execute execution) (commit mapreduce.Commit, err error) {
	if a.task.Commands != nil || len(a.task.Files) > 0 {
		leave, err := w.room(ctx, a)
		if err != nil {
			return mapreduce.Commit{}, err
		}
		defer leave()
	}
	if commit, err = execute(mapreduce.WithTask(ctx, a.context), a); err != nil {
		return mapreduce.Commit{}, err
	}
	commit.Counters, err = a.context.Counters()
	return commit, err
}

// room makes a directory for one attempt, in which the files stand that its job ships along. Leave removes it.
func (w *Worker) room(ctx context.Context, a *attempt) (leave func(), err error) {
	dir, err := w.own("attempt-")
	if err != nil {
		return nil, fmt.Errorf("make room for %s: %w", a.task.ID, err)
	}
	a.context.Dir = dir
	empty := func() {
		if err := removeTree(dir); err != nil { // what the attempt has put out is whole
			w.Log.Warn("something is left of an attempt's directory: remove it", "dir", dir, "task", a.task.ID, "cause", err)
		}
	}
	if len(a.task.Files) == 0 {
		return empty, nil
	}
	files := w.shipped.begin(a.task.ID.UID)
	leave = func() {
		empty()
		w.shipped.end(files)
	}
	if err = files.link(dir, a.task.Files, func() (string, error) { return w.load(ctx, a.task.Files) }); err != nil {
		leave()
	}
	return leave, err
}

// removeTree removes a directory, also where a command has made directories in it that nobody may write to.
func removeTree(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, _ error) error {
		if entry != nil && entry.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// listen is where a program's words go that are neither output nor for the leader.
func (w *Worker) listen(a *attempt) func(line string) {
	return func(line string) {
		w.Log.Info("the program says", "job", a.task.Job, "task", a.task.ID, "attempt", a.id, "line", line)
	}
}
