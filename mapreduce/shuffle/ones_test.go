package shuffle

import (
	"slices"
	"testing"

	"jetreduce/mapreduce"
)

// plainOutput takes pairs, and not many ones at once.
type plainOutput struct{ *Sorter }

func (o plainOutput) EmitOnes() {} // of another kind

func TestManyOnesAreSoManyRecords(t *testing.T) {
	pairs := slices.Repeat([]pair{{"k", "\x02"}}, 1000)
	for name, combiner := range combiners {
		_, want := flushed(t, SorterConfig{Combiner: combiner}, RunOwner{0, attempt(1)}, pairs)
		s := NewSorter(SorterConfig{Combiner: combiner})
		mapreduce.EmitOnes(s, []byte("k"), 0)
		mapreduce.EmitOnes(s, []byte("k"), 998)
		mapreduce.EmitOnes(plainOutput{s}, []byte("k"), 2)
		if s.Records() != 1000 {
			t.Errorf("%s: %d records", name, s.Records())
		}
		got, err := s.Flush(t.Context(), RunOwner{0, attempt(1)}, func(int, []byte) error { return nil })
		if err != nil || got != want {
			t.Errorf("%s: digest %x, want %x, error %v", name, got, want, err)
		}
		mapreduce.EmitOnes(s, []byte("k"), 5)
		if s.Records() != 1000 {
			t.Errorf("%s: %d records, some after all was flushed", name, s.Records())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
