package jetreduce

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"jetreduce/mapreduce"
)

// mapper hands a typed mapper its records, and makes bytes of what it emits.
type mapper[K Key, V any] struct {
	building[K, V]
	of      Mapper[K, V]
	emit    func(K, V) // keep, made once
	started bool
	out     mapreduce.Output // of the call under way
	err     error            // of what was emitted

	key, value, compound []byte
}

// Map handles a batch.
func (m *mapper[K, V]) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if err := m.begin(ctx, out); err != nil {
		return err
	}
	for offset, data := range batch.Each() {
		err := m.of.Map(ctx, Record{batch.Source, offset, data, batch.Records}, m.emit)
		if err == nil {
			err = m.err
		}
		if err != nil {
			return fmt.Errorf("record at byte %d: %w", offset, err)
		}
	}
	return nil
}

func (m *mapper[K, V]) begin(ctx context.Context, out mapreduce.Output) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.out = out
	if m.started {
		return nil
	}
	m.started = true
	return start(ctx, m.of)
}

// keep emits a pair.
func (m *mapper[K, V]) keep(key K, value V) {
	if m.err != nil {
		return
	}
	if m.key, m.err = m.keys.append(m.key[:0], key); m.err != nil {
		return
	}
	if m.value, m.err = m.values.append(m.value[:0], value); m.err != nil {
		return
	}
	if m.program.Sort == nil {
		m.out.Emit(m.key, m.value)
		return
	}
	m.compound = mapreduce.AppendGroup(m.compound[:0], m.key)
	sorted := m.program.Sort(m.compound, value)
	if !bytes.HasPrefix(sorted, m.compound) {
		m.err = mapreduce.Permanentf("program %s: Sort has not appended to dst: begin with Ascending(dst, …), and return what it returns", m.program.Name)
		return
	}
	m.compound = sorted
	m.out.Emit(m.compound, m.value)
}

// Close ends the attempt.
func (m *mapper[K, V]) Close() error { return end(m.of) }

// flushingMapper keeps something back.
type flushingMapper[K Key, V any] struct {
	*mapper[K, V]
	flushes pairFlusher[K, V]
}

// Flush has it emitted.
func (m *flushingMapper[K, V]) Flush(ctx context.Context, out mapreduce.Output) error {
	if err := m.begin(ctx, out); err != nil {
		return err
	}
	if err := m.flushes.Flush(ctx, m.emit); err != nil {
		return err
	}
	return m.err
}

// reducer hands a typed reducer its groups, and makes rows of what it emits.
type reducer[K Key, V any] struct {
	building[K, V]
	of      Reducer[K, V]
	emit    func(key, value any) // row, made once
	values  iter.Seq[V]          // each, made once
	started bool
	raw     iter.Seq[[]byte] // values of the group under way
	out     mapreduce.Output // of the call under way
	group   []byte
	key     []byte
	value   []byte
	err     error // of what came, or was emitted
}

// Reduce handles one group.
func (r *reducer[K, V]) Reduce(ctx context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	if err := r.begin(ctx, out); err != nil {
		return err
	}
	if r.program.Sort != nil {
		r.group = mapreduce.AppendGroupKey(r.group[:0], key)
		key = r.group
	}
	k, err := r.keys.parse(key)
	if err != nil {
		return fmt.Errorf("read key: %w", err)
	}
	r.raw = values
	if err := r.of.Reduce(ctx, k, r.values, r.emit); err != nil {
		return err
	}
	return r.err
}

func (r *reducer[K, V]) begin(ctx context.Context, out mapreduce.Output) error {
	r.out = out
	if r.started {
		return nil
	}
	r.started = true
	return start(ctx, r.of)
}

// each is the values of the group under way.
func (r *reducer[K, V]) each(yield func(V) bool) {
	for data := range r.raw {
		value, err := r.building.values.parse(data)
		if err != nil {
			if r.err == nil {
				r.err = fmt.Errorf("read value: %w", err)
			}
			return
		}
		if !yield(value) {
			return
		}
	}
}

// row emits a row.
func (r *reducer[K, V]) row(key, value any) {
	if r.err != nil {
		return
	}
	if r.key, r.err = appendText(r.key[:0], key); r.err != nil {
		return
	}
	if r.value, r.err = appendText(r.value[:0], value); r.err == nil {
		r.out.Emit(r.key, r.value)
	}
}

// Flush has what the reducer has kept back emitted.
func (r *reducer[K, V]) Flush(ctx context.Context, out mapreduce.Output) error {
	if err := r.begin(ctx, out); err != nil {
		return err
	}
	if f, ok := r.of.(rowFlusher); ok {
		if err := f.Flush(ctx, r.emit); err != nil {
			return err
		}
	}
	return r.err
}

// Close ends the attempt.
func (r *reducer[K, V]) Close() error { return end(r.of) }
