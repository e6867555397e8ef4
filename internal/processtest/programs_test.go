package processtest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"iter"
	"slices"
	"strings"
	"testing"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// fickle is a gated word count that counts one word more, which no other attempt counts.
func fickle(program mapreduce.Program) mapreduce.Program {
	gated := processtest.Gated("fickle", program)
	mapper := gated.Mapper
	gated.Mapper = func(args map[string]string) (mapreduce.Mapper, error) {
		inner, err := mapper(args)
		return &fickleMapper{inner}, err
	}
	return gated
}

type fickleMapper struct{ mapreduce.Mapper }

func (m *fickleMapper) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	out.Emit([]byte(rand.Text()), mapreduce.One())
	return m.Mapper.Map(ctx, batch, out)
}

// padded counts words, and makes each row so long that publishing the result takes a while.
func padded(program mapreduce.Program) mapreduce.Program {
	reducer := program.Reducer
	program.Name, program.Numeric = "padded", false
	program.Reducer = func(args map[string]string) (mapreduce.Reducer, error) {
		inner, err := reducer(args)
		return &paddedReducer{inner}, err
	}
	return program
}

const padding = 32 << 10

type paddedReducer struct{ mapreduce.Reducer }

func (r *paddedReducer) Reduce(ctx context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	return r.Reducer.Reduce(ctx, key, values, paddedOutput{out})
}

type paddedOutput struct{ mapreduce.Output }

func (o paddedOutput) Emit(key, value []byte) {
	o.Output.Emit(key, append(slices.Clone(value), bytes.Repeat([]byte{'.'}, padding)...))
}

// pad makes of a count what padded makes of it.
func pad(count string) string {
	return strings.ReplaceAll(count, "\n", strings.Repeat(".", padding)+"\n")
}

// paddedJob has a result that takes a while to publish.
func paddedJob(t *testing.T, id string, lines []string) mapreduce.Job {
	t.Helper()
	return mapreduce.Job{
		ID: mapreduce.JobID(id), Program: "padded", SplitSize: 1, Reduces: 2, Inputs: processtest.WriteLines(t, lines),
	}
}
