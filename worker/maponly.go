package worker

import (
	"encoding/binary"
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

// collecting is where the pairs of a map go: to a sorter, or by way of rows.
func (w *Worker) collecting(a *attempt, program mapreduce.Program) (*shuffle.Sorter, mapreduce.Output, error) {
	config := shuffle.SorterConfig{Partitions: a.task.Reduces, Combiner: program.Combiner, Memory: w.slotMemory(), Scratch: w.Scratch}
	if !a.task.MapOnly {
		sorter := shuffle.NewSorter(config)
		return sorter, sorter, nil
	}
	order, err := rowOrder(a.task, program)
	if err != nil {
		return nil, nil, err
	}
	if order == nil && program.Shuffled {
		return nil, nil, fmt.Errorf("%w: rows in the order of the input are for workers that keep it", mapreduce.ErrNotMine)
	}
	config.Partitions, config.Combiner = 1, nil
	sorter := shuffle.NewSorter(config)
	return sorter, &mapRows{sorter: sorter, order: order, counts: program.Combiner == mapreduce.Sum}, nil
}
