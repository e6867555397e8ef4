package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/shuffle"
)

// mapRows takes the rows that the maps of a job emit which is map only, to a sorter of one partition, whose run finish reads.
//
//	in an order         sort key            value
//	as the input is     the empty key       length of the key, key, value      so they are merged by task and position
type mapRows struct {
	sorter *shuffle.Sorter
	order  *output.Order // nil: as the input has them
	counts bool          // values are counts, as mapreduce.Sum reads them: a row has decimal ones
	key    []byte
	both   []byte
	number []byte
}

func (r *mapRows) Emit(key, value []byte) {
	if n, size := binary.Varint(value); r.counts && size == len(value) {
		r.number = strconv.AppendInt(r.number[:0], n, 10)
		value = r.number
	}
	if r.order != nil {
		r.key = r.order.AppendKey(r.key[:0], key)
		r.sorter.Emit(r.key, value)
		return
	}
	r.both = appendRow(r.both[:0], key, value)
	r.sorter.Emit(nil, r.both)
}

// collecting makes what the pairs of a map go to: a sorter, or by way of rows.
func (w *Worker) collecting(a *attempt, program mapreduce.Program, m *mapping) error {
	if a.task.MapOnly {
		return w.collectingRows(a, program, m)
	}
	config := shuffle.SorterConfig{
		Partitions: a.task.Reduces, Keying: keying(program, a.task.Reduces), Combiner: program.Combiner, Memory: w.slotMemory(), Scratch: w.Scratch,
	}
	if program.SortedCombiner != nil { // two sorters, of half the memory each
		config.Memory /= 2
		into := config
		m.into, config.Partitions = &into, 1
	}
	m.sorter = shuffle.NewSorter(config)
	m.out = m.sorter
	return nil
}

// keying is that of a program in a job of so many partitions. One that takes fewer leaves the others empty.
func keying(program mapreduce.Program, partitions int) shuffle.Keying {
	keying := shuffle.KeyingOf(program)
	if program.Reduces == 0 || program.Reduces >= partitions {
		return keying
	}
	keying.Partition = func(key []byte, _ int) int {
		switch {
		case program.Partition != nil:
			return program.Partition(key, program.Reduces)
		case program.Group != nil:
			key = program.Group(key)
		}
		return shuffle.Partition(key, program.Reduces)
	}
	return keying
}

// collectingRows is collecting for a job that is map only.
func (w *Worker) collectingRows(a *attempt, program mapreduce.Program, m *mapping) error {
	order, err := rowOrder(a.task, program)
	if err != nil {
		return err
	}
	if order == nil && program.Shuffled {
		return fmt.Errorf("%w: rows in the order of the input are for workers that keep it", mapreduce.ErrNotMine)
	}
	m.sorter = shuffle.NewSorter(shuffle.SorterConfig{Memory: w.slotMemory(), Scratch: w.Scratch})
	m.out = &mapRows{sorter: m.sorter, order: order, counts: program.Combiner == mapreduce.Sum}
	return nil
}

// combined is the sorter whose runs are published: that of the map, or what the program combines of it.
func (w *Worker) combined(ctx context.Context, program mapreduce.Program, m *mapping) (*shuffle.Sorter, error) {
	if m.into == nil {
		return m.sorter, nil
	}
	into := shuffle.NewSorter(*m.into)
	err := program.SortedCombiner(ctx, func(yield func(key, value []byte) error) error { return m.sorter.Each(ctx, yield) }, into)
	if err == nil {
		err = into.Err()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("combine: %w", err), into.Close())
	}
	return into, nil
}
