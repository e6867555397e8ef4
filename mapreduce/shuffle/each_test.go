package shuffle

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// TestEachHandsOverWhatARunWouldHold, in that order, with plain keys.
func TestEachHandsOverWhatARunWouldHold(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		config := drawConfig(t)
		config.Partitions, config.Scratch, config.Keying = 1, dir, drawKeying(t)
		all := pairs(config.Combiner).Draw(t, "pairs")
		s := emitted(config, all)
		defer s.Close()
		var got []pair
		err := s.Each(context.Background(), func(key, value []byte) error {
			got = append(got, pair{string(key), string(value)})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := naive{config.Keying}.run(all, config.Combiner, 0, 1)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(pair{})); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if s.Each(context.Background(), nil) == nil || s.Err() != nil {
			t.Fatal("the sorter is not spent, or says that this is wrong")
		}
	})
}

func TestEachEndsWithItsConsumer(t *testing.T) {
	s := emitted(SorterConfig{Memory: 1, Scratch: t.TempDir()}, []pair{{"b", ""}, {"a", ""}})
	defer s.Close()
	full, calls := errors.New("pipe closed"), 0
	if err := s.Each(t.Context(), func(_, _ []byte) error { calls++; return full }); !errors.Is(err, full) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
}

func TestEachEndsWithItsContext(t *testing.T) {
	s := NewSorter(SorterConfig{})
	defer s.Close()
	for i := range 5000 {
		s.Emit(fmt.Append(nil, i), nil)
	}
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err := s.Each(ctx, func(_, _ []byte) error { calls++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || calls > 1024 {
		t.Errorf("error %v after %d calls", err, calls)
	}
}

func TestEachIsOfOnePartition(t *testing.T) {
	s := emitted(SorterConfig{Partitions: 2}, []pair{{"a", ""}})
	defer s.Close()
	if err := s.Each(t.Context(), func(_, _ []byte) error { return nil }); err == nil {
		t.Error("two partitions are handed over as one")
	}
}

func TestEachSaysWhatWentWrongBefore(t *testing.T) {
	s := emitted(SorterConfig{Combiner: mapreduce.Sum}, []pair{{"a", "no varint"}})
	defer s.Close()
	if err := s.Each(t.Context(), func(_, _ []byte) error { return nil }); err == nil || err != s.Err() {
		t.Errorf("error %v", err)
	}
}
