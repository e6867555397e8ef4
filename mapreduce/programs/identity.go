package programs

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"jetreduce/mapreduce"
)

// identity passes lines through the whole of map, sort and reduce: it groups and orders rows, and changes none. The
// first TAB of a line splits key and value; a line without one is a key with an empty value.
func identity() mapreduce.Program {
	return mapreduce.Program{
		Name:    "identity",
		Doc:     "pass each line on as key TAB value, in the order of the keys",
		Noun:    "lines",
		SameKey: true,
		Mapper:  newLineSplitter,
		Reducer: newPasser,
	}
}

type lineSplitter struct{}

func newLineSplitter(args map[string]string) (mapreduce.Mapper, error) {
	if err := takesNone("identity", args); err != nil {
		return nil, err
	}
	return lineSplitter{}, nil
}

func (lineSplitter) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("pass on lines of %s at %d: %w", batch.Source, batch.Offset, err)
	}
	for _, line := range batch.Each() {
		key, value, _ := bytes.Cut(line, []byte{'\t'})
		out.Emit(key, value)
	}
	return nil
}

// passer emits each value of a key, in the order in which the values come: that of the input.
type passer struct{}

func newPasser(map[string]string) (mapreduce.Reducer, error) { return passer{}, nil }

func (passer) Reduce(_ context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	for value := range values {
		out.Emit(key, value)
	}
	return nil
}
