package worker

import (
	"context"
	"fmt"
	"runtime/debug"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/input"
)

// careful maps one record at a time, after other attempts of the task have failed: so it knows which record it is that the
// program cannot take, and can leave it out where the job allows that. Nothing of such a record is emitted.
type careful struct {
	m       *mapping
	allowed int // records that may be left out
	held    held
	cost    int // of the list of those that were
}

// batch maps the records of a batch.
func (c *careful) batch(ctx context.Context, batch mapreduce.Batch) error {
	for one := range batch.Singles() {
		err := c.record(ctx, one)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			c.held.pass(c.m.out)
		default:
			if err := c.leaveOut(one, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// record maps one record. That the program panics says as much of the record as an error.
func (c *careful) record(ctx context.Context, one mapreduce.Batch) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("program panicked: %v\n%s", cause, debug.Stack())
		}
	}()
	c.held.reset()
	if err := input.Check(one.Records, one.Data); err != nil {
		return err
	}
	return c.m.mapper.Map(ctx, one, &c.held)
}

// leaveOut notes a record that cannot be mapped, and goes on with another mapper: this one may have kept half of it.
func (c *careful) leaveOut(one mapreduce.Batch, cause error) error {
	length := int64(0)
	for _, record := range one.Each() {
		length = int64(len(record))
	}
	if len(c.m.bad) == c.allowed {
		err := fmt.Errorf("map %s, record at byte %d (%d bytes): %w", one.Source, one.Offset, length, cause)
		if c.allowed > 0 {
			err = fmt.Errorf("%w (so many were left out of this task before, and the job allows no more: %d)", err, c.allowed)
		}
		return err
	}
	bad := mapreduce.BadRecord{Source: one.Source, Offset: one.Offset, Length: length, Reason: cause.Error()}
	bad, c.cost = bad.Fit(c.cost)
	c.m.bad = append(c.m.bad, bad)
	return c.m.change()
}

// held is what a record has emitted, until it is known that the program can take it.
type held struct {
	data []byte
	ends []int // of each key, and of each value
}

func (h *held) reset() { h.data, h.ends = h.data[:0], h.ends[:0] }

func (h *held) Emit(key, value []byte) {
	h.data = append(h.data, key...)
	h.ends = append(h.ends, len(h.data))
	h.data = append(h.data, value...)
	h.ends = append(h.ends, len(h.data))
}

// pass emits it.
func (h *held) pass(out mapreduce.Output) {
	from := 0
	for i := 0; i < len(h.ends); i += 2 {
		key, value := h.data[from:h.ends[i]], h.data[h.ends[i]:h.ends[i+1]]
		out.Emit(key, value)
		from = h.ends[i+1]
	}
}
