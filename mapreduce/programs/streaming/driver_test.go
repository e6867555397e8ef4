package streaming_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs/streaming"
)

func TestMain(m *testing.M) {
	if os.Getenv(aloneFIFO) != "" {
		runAlone()
		return
	}
	goleak.VerifyTestMain(m)
}

// driver runs commands as the engine does, one step after the other: map, sort, combine, sort, reduce.
type driver struct {
	commands mapreduce.Commands
	config   streaming.Config
	task     *mapreduce.TaskContext
	ctx      context.Context

	mu  sync.Mutex
	log strings.Builder
}

func newDriver(t *testing.T, commands mapreduce.Commands) *driver {
	t.Helper()
	d := &driver{commands: commands}
	d.task = &mapreduce.TaskContext{
		Job: "j1", Task: mapreduce.TaskID{UID: "u1", Phase: mapreduce.Map, Generation: 1},
		Attempt: mapreduce.Attempt{Worker: "w1", N: 7}, Dir: t.TempDir(), Log: d.hear,
	}
	d.ctx = mapreduce.WithTask(t.Context(), d.task)
	return d
}

func (d *driver) hear(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log.WriteString(line + "\n")
}

func (d *driver) ship(t *testing.T, files map[string]string) {
	t.Helper()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(d.task.Dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// said compares what the commands have said beside their output.
func (d *driver) said(t *testing.T, c claim) {
	t.Helper()
	counters, err := d.task.Counters()
	if err != nil || len(c.counters) > 0 && !maps.Equal(counters, c.counters) {
		t.Errorf("counters %v, %v; want %v", counters, err, c.counters)
	}
	if log := d.log.String(); len(c.fails) == 0 && c.log != anything && log != c.log {
		t.Errorf("log %.200q (%d bytes), want %.200q (%d bytes)", log, len(log), c.log, len(c.log))
	}
	if d.task.Status() != c.status {
		t.Errorf("status %q, want %q", d.task.Status(), c.status)
	}
}

func (d *driver) run(t *testing.T, c claim) ([]byte, error) {
	t.Helper()
	program := streaming.Program(d.commands, d.config)
	emitted, err := d.mapped(program, c)
	if err != nil || program.Reducer == nil {
		if program.Raw != (program.Reducer == nil) {
			t.Error("rows are raw lines just where nothing is reduced")
		}
		return emitted.rows(program.Raw), err
	}
	if program.SortedCombiner != nil {
		emitted.sort(nil)
		var combined sink
		if err := combined.during(func() error {
			return program.SortedCombiner(d.ctx, emitted.each, &combined)
		}); err != nil {
			return nil, err
		}
		emitted = combined
	}
	emitted.sort(program.KeyOrder)
	reduced, err := d.reduced(program, emitted)
	return reduced.rows(false), err
}

// mapped is what the map makes of all inputs, as one attempt.
func (d *driver) mapped(program mapreduce.Program, c claim) (out sink, err error) {
	mapper, err := program.Mapper(nil)
	if err != nil {
		return out, err
	}
	defer mapper.(io.Closer).Close()
	for i, input := range c.inputs {
		whole := mapreduce.Batch{Source: string(rune('a' + i)), Data: []byte(input), Records: c.records}
		for batch := range batches(whole, c.batch) {
			batch.Data = slices.Clone(batch.Data)
			err := out.during(func() error { return mapper.Map(d.ctx, batch, &out) })
			clear(batch.Data) // it is valid during the call only
			if err != nil {
				return out, err
			}
		}
	}
	return out, out.during(func() error { return mapper.(mapreduce.Flusher).Flush(d.ctx, &out) })
}

// batches cuts an input behind records.
func batches(whole mapreduce.Batch, size int) iter.Seq[mapreduce.Batch] {
	return func(yield func(mapreduce.Batch) bool) {
		next := whole
		next.Data = nil
		for record := range whole.Singles() {
			next.Data = append(next.Data, record.Data...)
			if size > 0 && len(next.Data) >= size {
				if !yield(next) {
					return
				}
				next.Offset += int64(len(next.Data))
				next.Data = nil
			}
		}
		if len(next.Data) > 0 || len(whole.Data) == 0 {
			yield(next)
		}
	}
}

// reduced is what the reduce makes of sorted pairs, as one attempt.
func (d *driver) reduced(program mapreduce.Program, sorted sink) (out sink, err error) {
	reducer, err := program.Reducer(nil)
	if err != nil {
		return out, err
	}
	defer reducer.(io.Closer).Close()
	for from := 0; from < len(sorted.pairs); {
		to := from
		for to < len(sorted.pairs) && bytes.Equal(sorted.pairs[to].key, sorted.pairs[from].key) {
			to++
		}
		err := out.during(func() error {
			return reducer.Reduce(d.ctx, sorted.pairs[from].key, lent(sorted.pairs[from:to]), &out)
		})
		if err != nil {
			return out, err
		}
		from = to
	}
	return out, out.during(func() error { return reducer.(mapreduce.Flusher).Flush(d.ctx, &out) })
}

// lent yields values each of which is valid until the next one only.
func lent(pairs []pair) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var value []byte
		for _, p := range pairs {
			value = append(value[:0], p.value...)
			if !yield(value) {
				return
			}
			clear(value)
		}
	}
}

type pair struct{ key, value []byte }

// sink takes what is emitted, and only during calls that may emit.
type sink struct {
	pairs []pair
	open  bool
}

func (s *sink) during(call func() error) error {
	s.open = true
	defer func() { s.open = false }()
	return call()
}

func (s *sink) Emit(key, value []byte) {
	if !s.open {
		panic(fmt.Sprintf("emitted %q outside of any call", key))
	}
	s.pairs = append(s.pairs, pair{bytes.Clone(key), bytes.Clone(value)})
}

// sort is by what an order makes of keys, then by their bytes.
func (s *sink) sort(order func(dst, key []byte) []byte) {
	slices.SortStableFunc(s.pairs, func(a, b pair) int {
		if order != nil {
			if c := bytes.Compare(order(nil, a.key), order(nil, b.key)); c != 0 {
				return c
			}
		}
		return bytes.Compare(a.key, b.key)
	})
}

func (s *sink) each(yield func(key, value []byte) error) error {
	for _, p := range s.pairs {
		if err := yield(p.key, p.value); err != nil {
			return err
		}
	}
	return nil
}

func (s *sink) rows(raw bool) (rows []byte) {
	for _, p := range s.pairs {
		rows = append(rows, p.key...)
		if !raw {
			rows = append(append(rows, '\t'), p.value...)
		}
		rows = append(rows, '\n')
	}
	return rows
}
