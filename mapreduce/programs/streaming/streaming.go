package streaming

import (
	"context"
	"fmt"
	"time"

	"jetreduce/mapreduce"
)

// Config says how commands are run. Its zero value works.
type Config struct {
	Grace   time.Duration // between TERM and KILL, and for what a command has left running when it ends; 0: 2 s
	MaxLine int           // bytes of a line that a command writes, at most: it is held in memory; 0: 256 MiB

	clock clock // zero: the real one
}

func (c Config) orDefault() Config {
	if c.Grace <= 0 {
		c.Grace = 2 * time.Second
	}
	if c.MaxLine <= 0 {
		c.MaxLine = 256 << 20
	}
	if c.clock.now == nil {
		c.clock = realClock()
	}
	return c
}

// Program is a job's commands as a program: valid ones, see mapreduce.Job. It takes no arguments.
func Program(c mapreduce.Commands, config Config) mapreduce.Program {
	r := runner{Commands: c, Config: config.orDefault()}
	program := mapreduce.Program{
		Name: c.Name(), Doc: "runs " + c.Name(), Noun: "lines", Raw: c.Reduce == "",
		Mapper: func(map[string]string) (mapreduce.Mapper, error) { return &mapper{runner: r}, nil },
	}
	if c.Reduce == "" {
		return program
	}
	program.Noun = "pairs"
	program.Reducer = func(map[string]string) (mapreduce.Reducer, error) { return &reducer{runner: r}, nil }
	program.KeyOrder = keyOrder(c)
	program.Partition = partition(c)
	if c.Combine != "" {
		program.SortedCombiner = r.combine
	}
	return program
}

// combine runs the combine command over the pairs of one map, sorted by key, and emits what it makes of them, which is not sorted. Where
// there is no pair nothing is run. Sorted calls its argument for each pair, from the goroutine that has called it, and ends at its error.
func (r runner) combine(ctx context.Context, sorted func(yield func(key, value []byte) error) error, out mapreduce.Output) error {
	combiner := &reducer{runner: r, combines: true}
	defer combiner.Close()
	if err := sorted(func(key, value []byte) error { return combiner.pair(ctx, key, value, out) }); err != nil {
		return err
	}
	return combiner.Flush(ctx, out)
}

// runner is what makes processes of commands.
type runner struct {
	mapreduce.Commands
	Config
	memory blocks // for one process after the other
}

// start starts a command for the attempt that ctx belongs to. What names it in errors.
func (r *runner) start(ctx context.Context, command, what string, more ...string) (*process, error) {
	task := mapreduce.TaskOf(ctx)
	p := &process{
		command: command, what: what, grace: r.Grace, memory: &r.memory,
		lines: lines{separator: r.FieldSeparator(), raw: r.Reduce == "", most: r.MaxLine},
		watch: watch{patience: r.Patience(), clock: r.clock},
	}
	p.lines.fields, _ = r.Fields()
	if err := p.start(task, environ(task, more)); err != nil {
		return nil, fmt.Errorf("start %s: %w", what, err)
	}
	return p, nil
}

// named is how a command is called in errors.
func named(phase, command string) string {
	return fmt.Sprintf("%s command %q", phase, mapreduce.Abridge(command, maxNamed))
}

// maxNamed bounds how much of a command an error shows.
const maxNamed = 256
