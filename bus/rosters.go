package bus

import (
	"context"
	"fmt"

	"jetreduce/mapreduce"
)

// StoreRoster keeps a roster in chunks beside the plan.
func (s *Storage) StoreRoster(ctx context.Context, task mapreduce.TaskID, chunks [][]byte) error {
	for i, chunk := range chunks {
		err := s.bus.ask(ctx, s.bus.names.roster(task, i), func(ctx context.Context) error {
			_, err := s.bus.js.Publish(ctx, s.bus.names.roster(task, i), chunk)
			return err
		})
		if err != nil {
			return lastWord(ctx, fmt.Errorf("store roster of %s: %w", task, err))
		}
	}
	return nil
}

// Roster loads a roster that does not stand in the task.
func (p *Plans) Roster(ctx context.Context, ref mapreduce.RosterRef) ([]byte, error) {
	var packed []byte
	for i := range ref.Chunks {
		chunk, err := p.load(ctx, p.bus.names.roster(ref.Stored, i))
		if err != nil {
			return nil, err
		}
		packed = append(packed, chunk...)
	}
	return packed, nil
}
