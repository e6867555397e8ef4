package processtest

import (
	"context"
	"fmt"
	"iter"
	"time"

	"jetreduce/mapreduce"
)

// Slowed is a program that does what another does, and whose attempts take longer by the argument `each`, such as 100ms.
// All other arguments are the other's.
func Slowed(name string, program mapreduce.Program) mapreduce.Program {
	mapper, reducer := program.Mapper, program.Reducer
	program.Name = name
	program.Mapper = func(args map[string]string) (mapreduce.Mapper, error) {
		each, rest, err := slowness(args)
		if err != nil {
			return nil, err
		}
		inner, err := mapper(rest)
		return &slowMapper{inner: inner, each: each}, err
	}
	program.Reducer = func(args map[string]string) (mapreduce.Reducer, error) {
		each, rest, err := slowness(args)
		if err != nil {
			return nil, err
		}
		inner, err := reducer(rest)
		return &slowReducer{inner: inner, each: each}, err
	}
	return program
}

// slowness takes its own argument out of the others.
func slowness(args map[string]string) (each time.Duration, rest map[string]string, err error) {
	for name, value := range args {
		if name != "each" {
			if rest == nil {
				rest = map[string]string{}
			}
			rest[name] = value
		} else if each, err = time.ParseDuration(value); err != nil {
			return 0, nil, fmt.Errorf("each=%s: %w: use a time such as 100ms", value, err)
		}
	}
	return each, rest, nil
}

type slowMapper struct {
	inner  mapreduce.Mapper
	each   time.Duration
	waited bool
}

// Map waits behind the first batch: what the other program does at its beginning is done in time.
func (m *slowMapper) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if err := m.inner.Map(ctx, batch, out); err != nil || m.waited {
		return err
	}
	m.waited = true
	return linger(ctx, m.each)
}

type slowReducer struct {
	inner  mapreduce.Reducer
	each   time.Duration
	waited bool
}

func (r *slowReducer) Reduce(ctx context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	if err := r.inner.Reduce(ctx, key, values, out); err != nil || r.waited {
		return err
	}
	r.waited = true
	return linger(ctx, r.each)
}

// linger is work that takes time, and no processor.
func linger(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
