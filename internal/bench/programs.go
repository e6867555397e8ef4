package bench

import (
	"context"
	"fmt"
	"time"

	"jetreduce/mapreduce"
)

// Programs whose tasks do nothing, or next to nothing.
const (
	noopProgram  = "bench-noop"  // nothing; map only
	countProgram = "bench-count" // counts tasks: the result says how many there were
	waitProgram  = "bench-wait"  // waits for a while, and counts tasks
)

// waitTime is how long a task of bench-wait waits.
const waitTime = 50 * time.Millisecond

// Programs are what the workers of the bench have beside the programs that users see.
func Programs() []mapreduce.Program {
	return []mapreduce.Program{
		{Name: noopProgram, Doc: "do nothing", Noun: "rows", Mapper: mapperOf(noop{})},
		counting(countProgram, 0), counting(waitProgram, waitTime),
	}
}

func mapperOf(m mapreduce.Mapper) func(map[string]string) (mapreduce.Mapper, error) {
	return func(map[string]string) (mapreduce.Mapper, error) { return m, nil }
}

type noop struct{}

func (noop) Map(context.Context, mapreduce.Batch, mapreduce.Output) error { return nil }

func counting(name string, wait time.Duration) mapreduce.Program {
	return mapreduce.Program{
		Name: name, Doc: "count tasks", Noun: "tasks",
		Mapper: mapperOf(counter{wait}), Combiner: mapreduce.Sum, Reducer: mapreduce.SumReducer,
	}
}

// counter takes so long for a task, which is one batch: no batch goes beyond a split, and the splits are tiny.
type counter struct{ wait time.Duration }

func (c counter) Map(ctx context.Context, _ mapreduce.Batch, out mapreduce.Output) error {
	if c.wait > 0 {
		select {
		case <-time.After(c.wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	out.Emit([]byte("tasks"), mapreduce.One())
	return nil
}

// counted is the result of a program that has counted so many tasks.
func counted(tasks int) string { return fmt.Sprintf("tasks\t%d\n", tasks) }
