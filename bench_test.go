package jetreduce_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"jetreduce"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/shuffle"
)

// countsBytes counts the words of each line, without types: what a typed program is compared with.
type countsBytes struct{}

func (countsBytes) Map(_ context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	one := mapreduce.One()
	for _, line := range batch.Lines() {
		for word := range bytes.FieldsSeq(line) {
			out.Emit(word, one)
		}
	}
	return nil
}

// BenchmarkTypes is what types cost: word count, its mapper and its combiner, over a megabyte.
func BenchmarkTypes(b *testing.B) {
	inStrings := jetreduce.Program[string, int64]{
		Name: "strings", Sum: true,
		Map: func(_ context.Context, r jetreduce.Record, emit func(string, int64)) error {
			for word := range strings.FieldsSeq(r.Text()) {
				emit(word, 1)
			}
			return nil
		},
	}
	inBytes := jetreduce.Program[[]byte, int64]{
		Name: "bytes", Sum: true,
		Map: func(_ context.Context, r jetreduce.Record, emit func([]byte, int64)) error {
			for word := range bytes.FieldsSeq(r.Data) {
				emit(word, 1)
			}
			return nil
		},
	}
	plain := mapreduce.Program{Mapper: func(map[string]string) (mapreduce.Mapper, error) { return countsBytes{}, nil }}
	for _, c := range []struct {
		name    string
		program mapreduce.Program
	}{{"plain", plain}, {"bytes", inBytes.Build()}, {"strings", inStrings.Build()}} {
		b.Run(c.name, func(b *testing.B) { benchmarkMap(b, c.program) })
	}
}

func benchmarkMap(b *testing.B, program mapreduce.Program) {
	mapper, err := program.Mapper(nil)
	if err != nil {
		b.Fatal(err)
	}
	batch := mapreduce.Batch{Data: []byte(strings.Repeat("the fox of the den sees a fox and the other ones that run\n", 1<<20/58))}
	b.SetBytes(int64(len(batch.Data)))
	b.ReportAllocs()
	sorter := shuffle.NewSorter(shuffle.SorterConfig{Combiner: mapreduce.Sum})
	defer sorter.Close()
	for b.Loop() {
		if err := mapper.Map(b.Context(), batch, sorter); err != nil {
			b.Fatal(err)
		}
	}
}
