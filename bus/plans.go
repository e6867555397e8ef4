package bus

import (
	"context"
	"errors"
	"fmt"

	"jetreduce/mapreduce"
)

// Plans keeps plans in chunks, and the rosters beside them: worker.Plans.
type Plans struct{ bus *Bus }

// Plans are the plans on this bus.
func (b *Bus) Plans() *Plans { return &Plans{b} }

// Store stores the chunk that ref names (its Index is ignored). Twice the same is one.
func (p *Plans) Store(ctx context.Context, ref mapreduce.PlanRef, chunk mapreduce.PlanChunk) error {
	_, err := p.bus.put(ctx, p.bus.names.plan(ref), chunk)
	return err
}

// Load loads the chunk that ref names.
func (p *Plans) Load(ctx context.Context, ref mapreduce.PlanRef) (mapreduce.PlanChunk, error) {
	var chunk mapreduce.PlanChunk
	subject := p.bus.names.plan(ref)
	data, err := p.load(ctx, subject)
	if err == nil {
		err = decode(subject, data, &chunk)
	}
	return chunk, err
}

func (p *Plans) load(ctx context.Context, subject string) ([]byte, error) {
	found, err := p.bus.lastMessage(ctx, p.bus.names.plans(), subject)
	if errors.Is(err, errGone) {
		return nil, fmt.Errorf("load %s: it is not on the bus any more: %w", subject, err)
	}
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", subject, err)
	}
	return found.Data, nil
}
