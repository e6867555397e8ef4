package bus

import (
	"context"

	"jetreduce/mapreduce"
)

// ListSized is List with so many bytes of messages in each source, about, and one message at least.
func (s *StreamInputs) ListSized(ctx context.Context, input string, size int64) ([]mapreduce.Source, error) {
	return (&StreamInputs{s.bus, uint64(max(size, 1))}).List(ctx, input)
}
