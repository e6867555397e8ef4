package mapreduce_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/input"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/shuffle"
)

// engine runs a whole job on one goroutine, without a bus: what the plan, the maps, the reduces and the finish do, with
// slices in the place of lanes.
//
//	plan ─▶ map ─▶ lanes[partition] ─▶ reduce ─▶ parts ─▶ finish ─▶ result
type engine struct {
	program   mapreduce.Program
	splitSize int64 // 0: chosen for the work
	reduces   int
	memory    int64 // of each Sorter and Collector; 0: their default
	batch     int   // bytes of a batch; 0: the reader's default
	scratch   string
	order     string
	format    string

	splits  []mapreduce.Split
	maps    mapreduce.Roster
	lanes   [][][]byte // partition → chunks
	parts   [][]byte
	digests []mapreduce.Digest // of the maps
}

// run is the job's result.
func (e *engine) run(ctx context.Context, files ...string) ([]byte, error) {
	if err := e.plan(ctx, files); err != nil {
		return nil, err
	}
	return e.result(ctx)
}

// result is what comes out of a planned job.
func (e *engine) result(ctx context.Context) ([]byte, error) {
	e.lanes = make([][][]byte, e.reduces)
	for n, split := range e.splits {
		if err := e.mapSplit(ctx, n, split); err != nil {
			return nil, err
		}
	}
	reduces := make(mapreduce.Roster, e.reduces)
	for partition := range reduces {
		reduces[partition] = mapreduce.Attempt{Worker: "reducer", N: uint32(partition + 1)}
		if err := e.reduce(ctx, shuffle.RunOwner{Task: partition, Attempt: reduces[partition]}); err != nil {
			return nil, err
		}
	}
	return e.finish(ctx, reduces)
}

func (e *engine) plan(ctx context.Context, files []string) error {
	summary, err := input.Plan(ctx, files, input.PlanConfig{
		SplitSize: e.splitSize,
		Store: func(chunk mapreduce.PlanChunk) error {
			for i := range chunk.Splits {
				split, err := chunk.Split(i)
				if err != nil {
					return err
				}
				e.splits = append(e.splits, split)
			}
			return nil
		},
	})
	if err == nil && summary.Splits != len(e.splits) {
		err = fmt.Errorf("the summary counts %d splits, the plan has %d", summary.Splits, len(e.splits))
	}
	return errors.Join(err, summary.Check())
}

func (e *engine) mapSplit(ctx context.Context, n int, split mapreduce.Split) error {
	sorter := shuffle.NewSorter(shuffle.SorterConfig{
		Partitions: e.reduces, Combiner: e.program.Combiner, Memory: e.memory, Scratch: e.scratch,
	})
	defer sorter.Close()
	if err := e.feed(ctx, split, sorter); err != nil {
		return err
	}
	owner := shuffle.RunOwner{Task: n, Attempt: mapreduce.Attempt{Worker: "mapper", N: uint32(n + 1)}}
	digest, err := sorter.Flush(ctx, owner, func(partition int, chunk []byte) error {
		e.lanes[partition] = append(e.lanes[partition], chunk)
		return nil
	})
	e.digests = append(e.digests, digest)
	e.maps = append(e.maps, owner.Attempt)
	return err
}

func (e *engine) feed(ctx context.Context, split mapreduce.Split, out *shuffle.Sorter) error {
	mapper, err := e.program.Mapper(nil)
	if err != nil {
		return err
	}
	reader := input.Open(split, input.ReadConfig{BatchSize: e.batch})
	defer reader.Close()
	for {
		batch, err := reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out.Err()
		}
		if err != nil {
			return err
		}
		if err := mapper.Map(ctx, batch, out); err != nil {
			return err
		}
	}
}

func (e *engine) reduce(ctx context.Context, owner shuffle.RunOwner) error {
	reducer, err := e.program.Reducer(nil)
	if err != nil {
		return err
	}
	order, err := output.ParseOrder(e.order)
	if err != nil {
		return err
	}
	merge, err := e.collect(ctx, e.maps, e.lanes[owner.Task])
	if err != nil {
		return err
	}
	defer merge.Close()
	rows := sortedRows{order, shuffle.NewSorter(shuffle.SorterConfig{Memory: e.memory, Scratch: e.scratch})}
	defer rows.sorter.Close()
	err = merge.Groups(ctx, func(key []byte, values iter.Seq[[]byte]) error {
		return reducer.Reduce(ctx, key, values, rows)
	})
	if err != nil {
		return err
	}
	_, err = rows.sorter.Flush(ctx, owner, func(_ int, chunk []byte) error {
		e.parts = append(e.parts, chunk)
		return nil
	})
	return err
}

func (e *engine) collect(ctx context.Context, roster mapreduce.Roster, chunks [][]byte) (*shuffle.Merge, error) {
	collector := shuffle.NewCollector(shuffle.CollectorConfig{Roster: roster, Memory: e.memory, Scratch: e.scratch})
	for _, chunk := range chunks {
		if err := collector.Add(chunk); err != nil {
			return nil, errors.Join(err, collector.Close())
		}
	}
	merge, err := collector.Merge(ctx)
	if err != nil {
		return nil, errors.Join(err, collector.Close())
	}
	return merge, nil
}

func (e *engine) finish(ctx context.Context, reduces mapreduce.Roster) ([]byte, error) {
	order, err := output.ParseOrder(e.order)
	if err != nil {
		return nil, err
	}
	format, err := output.ParseFormat(e.format)
	if err != nil {
		return nil, err
	}
	merge, err := e.collect(ctx, reduces, e.parts)
	if err != nil {
		return nil, err
	}
	defer merge.Close()
	var result bytes.Buffer
	rows := output.NewRows(&result, format, e.program)
	err = merge.Records(ctx, func(composite, value []byte) error {
		key, err := order.Key(composite)
		if err != nil {
			return err
		}
		return rows.Row(key, value)
	})
	err = errors.Join(err, rows.Flush())
	return result.Bytes(), err
}

// sortedRows puts a reducer's rows into the order asked for.
type sortedRows struct {
	order  *output.Order
	sorter *shuffle.Sorter
}

func (r sortedRows) Emit(key, value []byte) { r.sorter.Emit(r.order.AppendKey(nil, key), value) }
