package programs

import (
	"context"
	"fmt"

	"jetreduce/mapreduce"
)

// wordcount is the paper's first example (section 2.1), with the words of the original system: see Words.
func wordcount() mapreduce.Program {
	return mapreduce.Program{
		Name:     "wordcount",
		Doc:      "count each word: lower-cased, without ASCII digits and punctuation",
		Noun:     "words",
		Numeric:  true,
		SameKey:  true,
		Words:    true,
		Mapper:   newWordCounter,
		Combiner: mapreduce.Sum,
		Reducer:  mapreduce.SumReducer,
	}
}

type wordCounter struct{ words Words }

func newWordCounter(args map[string]string) (mapreduce.Mapper, error) {
	if err := takesNone("wordcount", args); err != nil {
		return nil, err
	}
	return &wordCounter{}, nil
}

// Map reads the batch in one go: a LF is white space like any other, and a batch never cuts a line, so no word either.
func (m *wordCounter) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("count words of %s at %d: %w", batch.Source, batch.Offset, err)
	}
	m.words.Reset(batch.Data)
	m.words.emit(out)
	m.words.Reset(nil) // the batch is not ours any more
	return nil
}
