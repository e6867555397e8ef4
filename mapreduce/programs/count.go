package programs

import (
	"bytes"
	"context"
	"fmt"
	"iter"

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
		Reduces:  1,
		Mapper:   newLineCounter,
		Combiner: mapreduce.Sum,
		Reducer:  newLineReducer,
	}
}

// lineReducer adds up, and says so where there is nothing to add: no lines are 0 lines.
type lineReducer struct {
	mapreduce.Reducer
	some bool
}

func newLineReducer(args map[string]string) (mapreduce.Reducer, error) {
	sum, err := mapreduce.SumReducer(args)
	return &lineReducer{Reducer: sum}, err
}

func (r *lineReducer) Reduce(ctx context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	r.some = true
	return r.Reducer.Reduce(ctx, key, values, out)
}

func (r *lineReducer) Flush(_ context.Context, out mapreduce.Output) error {
	if !r.some {
		out.Emit([]byte("lines"), []byte("0"))
	}
	return nil
}

// lineCounter emits one pair a line, not one a batch: the closing line and the job's status count what maps emit.
type lineCounter struct{ key []byte }

func newLineCounter(args map[string]string) (mapreduce.Mapper, error) {
	if err := takesNone("count", args); err != nil {
		return nil, err
	}
	return &lineCounter{key: []byte("lines")}, nil
}

func (m *lineCounter) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("count lines of %s at %d: %w", batch.Source, batch.Offset, err)
	}
	mapreduce.EmitOnes(out, m.key, int64(records(batch)))
	return nil
}

// records is how many records a batch has. Lines are counted by what ends them.
func records(batch mapreduce.Batch) (n int) {
	if !batch.Records.AreLines() {
		for range batch.Each() {
			n++
		}
		return n
	}
	n = bytes.Count(batch.Data, []byte{'\n'})
	if end := len(batch.Data); end > 0 && batch.Data[end-1] != '\n' {
		n++
	}
	return n
}
