package streaming

import (
	"context"
	"iter"

	"jetreduce/mapreduce"
)

// reducer hands pairs to the reduce command, or to the combine: key, separator, value, LF. One process takes all of an attempt.
type reducer struct {
	runner
	combines bool
	process  *process // nil: it has not been started, or has ended
}

// Reduce is that of mapreduce.Reducer. What the command makes of the group may come later.
func (r *reducer) Reduce(ctx context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	for value := range values {
		if err := r.pair(ctx, key, value, out); err != nil {
			return err
		}
	}
	return nil
}

// Flush ends the process. A reduce runs even where there is nothing to reduce; a combine does not.
func (r *reducer) Flush(ctx context.Context, out mapreduce.Output) error {
	if r.process == nil {
		if r.combines {
			return nil
		}
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	err := r.process.finish(ctx, out)
	r.process = nil
	return err
}

// Close kills what still runs.
func (r *reducer) Close() error {
	if r.process != nil {
		r.process.stop()
		r.process = nil
	}
	return nil
}

func (r *reducer) begin(ctx context.Context) (err error) {
	phase, command := "reduce", r.Commands.Reduce
	if r.combines {
		phase, command = "combine", r.Commands.Combine
	}
	r.process, err = r.start(ctx, command, named(phase, command))
	return err
}

func (r *reducer) pair(ctx context.Context, key, value []byte, out mapreduce.Output) error {
	if r.process == nil {
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	if r.process.fits(key, value) {
		return nil
	}
	separator := [1]byte{r.FieldSeparator()}
	for _, part := range [][]byte{key, separator[:], value, lf} {
		if err := r.process.feed(ctx, part, out); err != nil {
			return err
		}
	}
	return nil
}
