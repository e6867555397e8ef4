package programs

import (
	"bytes"
	"context"
	"fmt"

	"jetreduce/mapreduce"
)

// count counts lines. A last line without LF is a line.
func count() mapreduce.Program {
	return mapreduce.Program{
		Name:     "count",
		Doc:      "count the lines of the input",
		Noun:     "lines",
		Numeric:  true,
		SameKey:  true,
		Mapper:   newLineCounter,
		Combiner: mapreduce.Sum,
		Reducer:  mapreduce.SumReducer,
	}
}

// lineCounter emits one pair a line, not one a batch: the closing line and the job's status count what maps emit.
type lineCounter struct{ key, one []byte }

func newLineCounter(args map[string]string) (mapreduce.Mapper, error) {
	if err := takesNone("count", args); err != nil {
		return nil, err
	}
	return &lineCounter{key: []byte("lines"), one: mapreduce.One()}, nil
}

func (m *lineCounter) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("count lines of %s at %d: %w", batch.Source, batch.Offset, err)
	}
	lines := bytes.Count(batch.Data, []byte{'\n'})
	if n := len(batch.Data); n > 0 && batch.Data[n-1] != '\n' {
		lines++
	}
	for range lines {
		out.Emit(m.key, m.one)
	}
	return nil
}
