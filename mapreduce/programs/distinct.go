package programs

import (
	"context"
	"iter"

	"jetreduce/mapreduce"
)

// distinct is each line once, or each combination of some fields.
func distinct() mapreduce.Program {
	return mapreduce.Program{
		Name: "distinct", Doc: "each line once, or each combination of some fields", Noun: "lines", Bare: true, SameKey: true,
		Mapper:   newDistinct,
		Combiner: single{},
		Reducer:  func(map[string]string) (mapreduce.Reducer, error) { return single{}, nil },
	}
}

// single keeps one of the values of a key, of which all are empty.
type single struct{}

func (single) Combine(acc, _ []byte) []byte { return acc }

func (single) Reduce(_ context.Context, key []byte, _ iter.Seq[[]byte], out mapreduce.Output) error {
	out.Emit(key, nil)
	return nil
}

// newDistinct emits what there is as a key, with nothing more to say of it.
func newDistinct(args map[string]string) (mapreduce.Mapper, error) {
	mapper, err := newValues(arguments{"distinct", args}, "fields", "0")
	if err == nil {
		mapper.value = nil
	}
	return mapper, err
}
