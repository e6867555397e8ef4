package shuffle

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
)

// largest keeps the larger of two values, and returns the very one that it was handed.
type largest struct{}

func (largest) Combine(acc, value []byte) []byte {
	if string(value) > string(acc) {
		return value
	}
	return acc
}

// TestCombinerMayReturnTheValue that stands during the call only: the records that are read next must not be written over, nor it by them.
func TestCombinerMayReturnTheValue(t *testing.T) {
	config := SorterConfig{Combiner: largest{}, Memory: 8 << 10, Scratch: t.TempDir()}
	const keys, values = 50, 100
	through(t, config, func(s *Sorter) {
		for i := range keys * values {
			value := i / keys * 37 % values
			s.Emit(fmt.Appendf(nil, "key %02d", i%keys), fmt.Appendf(nil, "%03d%s", value, strings.Repeat("x", 200+value%7)))
		}
	}, func(m *Merge) error {
		seen := 0
		err := m.Groups(context.Background(), func(key []byte, values iter.Seq[[]byte]) error {
			for value := range values {
				if string(value) != "099"+strings.Repeat("x", 201) {
					t.Errorf("%s: %.20s… of %d bytes", key, value, len(value))
				}
				seen++
			}
			return nil
		})
		if seen != keys {
			t.Errorf("%d keys", seen)
		}
		return err
	})
}
