package mapreducetest_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/mapreducetest"
)

// sortedCombiner folds neighbours.
func sortedCombiner(fold combineFunc) func(context.Context, func(func(key, value []byte) error) error, mapreduce.Output) error {
	return func(_ context.Context, sorted func(func(key, value []byte) error) error, out mapreduce.Output) error {
		var last, acc []byte
		err := sorted(func(key, value []byte) error {
			switch {
			case last != nil && bytes.Equal(key, last):
				acc = fold(acc, value)
				return nil
			case last != nil:
				out.Emit(last, acc)
			}
			last, acc = bytes.Clone(key), bytes.Clone(value)
			return nil
		})
		if last != nil {
			out.Emit(last, acc)
		}
		return err
	}
}

func TestSortedCombinerRuns(t *testing.T) {
	program, folded := words(), 0
	program.Combiner = nil
	program.SortedCombiner = sortedCombiner(func(acc, value []byte) []byte {
		folded++
		return varint(number(acc) + number(value))
	})
	got := mapreducetest.Run(t, program, mapreducetest.Config{Inputs: text})
	if want := mapreducetest.Run(t, words(), mapreducetest.Config{Inputs: text}); !cmp.Equal(want.Rows, got.Rows) || folded == 0 {
		t.Errorf("%q, folded %d times", got.Rows, folded)
	}
}
