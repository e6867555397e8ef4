package shuffle

import (
	"context"
	"fmt"
)

// Each hands over all that was emitted, sorted and folded, instead of making runs of it: for combiners that are programs of their own.
// Keys are plain ones; those that are equal come in the order of position. Key and value stand during the call, whose error ends Each.
// It is for sorters of one partition; the sorter is spent then, whether it worked or not.
func (s *Sorter) Each(ctx context.Context, yield func(key, value []byte) error) error {
	if s.err != nil {
		return s.err
	}
	if s.config.Partitions > 1 {
		return fmt.Errorf("hand over what was sorted into %d partitions: use a sorter of 1", s.config.Partitions)
	}
	err := s.each(ctx, yield)
	s.fail(errSpent)
	return err
}

func (s *Sorter) each(ctx context.Context, yield put) error {
	sources, err := s.sources(ctx)
	if err != nil {
		return err
	}
	var plain Keying
	if s.keyer != nil {
		plain = s.keyer.Keying
	}
	count := 0
	return s.merge(0, sources, func(key, value []byte) error {
		if count%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		count++
		if key, err = plain.Plain(key); err != nil {
			return err
		}
		return yield(key, value)
	})
}
