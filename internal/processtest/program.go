package processtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"jetreduce/mapreduce"
)

// Gated is a program that does what another does, and whose attempts wait at a Gate when they have read their first
// record.
func Gated(name string, program mapreduce.Program) mapreduce.Program {
	mapper, reducer := program.Mapper, program.Reducer
	program.Name = name
	program.Mapper = func(args map[string]string) (mapreduce.Mapper, error) {
		inner, err := mapper(nil)
		return &gatedMapper{inner: inner, dir: args["gate"]}, err
	}
	program.Reducer = func(args map[string]string) (mapreduce.Reducer, error) {
		inner, err := reducer(nil)
		return &gatedReducer{inner: inner, dir: args["gate"]}, err
	}
	return program
}

type gatedMapper struct {
	inner  mapreduce.Mapper
	dir    string
	passed bool
}

func (m *gatedMapper) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if !m.passed {
		if err := pass(ctx, m.dir, mapreduce.Map, filepath.Base(batch.Source)); err != nil {
			return err
		}
		m.passed = true
	}
	return m.inner.Map(ctx, batch, out)
}

type gatedReducer struct {
	inner  mapreduce.Reducer
	dir    string
	passed bool
}

func (r *gatedReducer) Reduce(ctx context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	if !r.passed {
		if err := pass(ctx, r.dir, mapreduce.Reduce, string(key)); err != nil {
			return err
		}
		r.passed = true
	}
	return r.inner.Reduce(ctx, key, values, out)
}

// pass notes that an attempt has begun, and waits until it may go on.
func pass(ctx context.Context, dir string, phase mapreduce.Phase, name string) error {
	if err := note(dir, Began{phase, name, os.Getpid()}); err != nil {
		return err
	}
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		for _, who := range []string{"", name, ByPid(name, os.Getpid())} {
			if _, err := os.Stat(passFile(dir, phase, who)); err == nil {
				return nil
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ByPid names the attempts of a task in one process, for Gate.Open.
func ByPid(name string, pid int) string { return fmt.Sprintf("%s-%d", name, pid) }

// note writes one line in one call: lines of several processes do not mix.
func note(dir string, b Began) error {
	file, err := os.OpenFile(filepath.Join(dir, "ran"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%s %s %d\n", b.Phase, b.Name, b.Pid)
	return errors.Join(err, file.Close())
}
