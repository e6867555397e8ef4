package mapreduce_test

import (
	"context"
	"iter"

	"jetreduce/mapreduce"
)

// mapFunc is a mapper that does not care for its input.
type mapFunc func(out mapreduce.Output)

func (f mapFunc) Map(_ context.Context, _ mapreduce.Batch, out mapreduce.Output) error {
	f(out)
	return nil
}

// dropping is a reducer without rows.
type dropping struct{}

func (dropping) Reduce(context.Context, []byte, iter.Seq[[]byte], mapreduce.Output) error { return nil }
