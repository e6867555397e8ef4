package roles

import (
	"context"
	"log/slog"

	"jetreduce/bus"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/input"
	"jetreduce/mapreduce/input/web"
	"jetreduce/mapreduce/programs/streaming"
	"jetreduce/worker"
)

// A worker finds out whether it can ask ahead, and does not when it cannot: no other line would break.
var _ worker.Backlog = (*bus.Queue)(nil)

// Worker is a process, or a part of one, that runs attempts.
type Worker struct {
	Bus      *bus.Bus
	Log      *slog.Logger
	Pool     mapreduce.Pool // whose tasks it takes; "": the default one
	Slots    int
	Memory   int64  // bytes for sorting and grouping
	Scratch  string // directory for spills
	Root     string // the one directory whose files jobs may use; "": all
	Host     string // for users to see; "": it is the only one
	Programs func(name string) (mapreduce.Program, error)
	Also     []mapreduce.Class      // more classes of tasks that it takes: commands, and a binary's own programs
	NoHTTP   bool                   // it fetches no inputs from the web: a job could name addresses that only this machine reaches
	Signs    *Signs                 // may be nil; told of the life of this process
	Refit    func(c *worker.Config) // may be nil; changes the worker's surroundings: tests break them
}

// Run works until ctx ends, then hands back what it has not finished and returns nil.
func (w Worker) Run(ctx context.Context) error {
	queue := w.Bus.QueueOf(w.Pool, w.Log)
	defer queue.Close()
	pages := web.New()
	defer pages.Close()
	config := worker.Config{
		ID: mapreduce.WorkerID(NewName("w", 7)), Pool: w.Pool, Class: Class, Also: w.Also, Slots: w.Slots, Memory: w.Memory,
		Scratch: w.Scratch, Root: w.Root, Program: w.Programs, Commands: Commands, Host: w.Host,
		Schemes: map[string]input.Scheme{
			mapreduce.CarriedScheme: w.Bus.CarriedInputs(), "http": pages, "https": pages,
			bus.StreamScheme: w.Bus.StreamInputs(), bus.ObjectScheme: w.Bus.ObjectInputs(),
		},
		Queue: queue, Commits: w.Bus.Commits(), Runs: w.Bus.Runs(), Plans: w.Bus.Plans(), Pulse: w.Signs.pulse(w.Bus.Pulse()),
		Results: w.Bus.Results(), Tables: w.Bus.Tables(), Log: w.Log,
	}
	if w.NoHTTP {
		config.Schemes["http"], config.Schemes["https"] = noWeb{}, noWeb{}
	}
	if w.Refit != nil {
		w.Refit(&config)
	}
	w.Log.Info("works", "worker", config.ID, "pool", w.Pool.OrDefault(), "slots", config.Slots)
	return worker.New(config).Run(ctx)
}

// Commands is the program that runs a job's commands.
func Commands(c mapreduce.Commands) mapreduce.Program {
	return streaming.Program(c, streaming.Config{})
}
