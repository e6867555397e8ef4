package programs

import (
	"context"
	"fmt"

	"jetreduce/mapreduce"
)

// sortLines sorts lines: the framework does it, the program only makes each line a key. It is map only: what maps have sorted, finish
// merges.
func sortLines() mapreduce.Program {
	return mapreduce.Program{
		Name: "sort", Doc: "sort lines, by unsigned bytes or by --order", Noun: "lines", Bare: true, Order: "bytes",
		Mapper: func(args map[string]string) (mapreduce.Mapper, error) { return lineKeys{}, takesNone("sort", args) },
	}
}

type lineKeys struct{}

func (lineKeys) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sort lines of %s at %d: %w", batch.Source, batch.Offset, err)
	}
	for _, line := range batch.Each() {
		out.Emit(line, nil)
	}
	return nil
}
