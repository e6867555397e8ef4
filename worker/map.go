package worker

import (
	"context"
	"errors"
	"fmt"
	"io"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/input"
	"jetreduce/mapreduce/shuffle"
)

// mapSplit maps one split, and publishes one sorted run for each partition.
func (w *Worker) mapSplit(ctx context.Context, a *attempt) (mapreduce.Commit, error) {
	program, fresh, err := w.mapper(a.task)
	if err != nil {
		return mapreduce.Commit{}, err
	}
	split, err := w.plans.split(ctx, *a.task.Split)
	if err != nil {
		return mapreduce.Commit{}, err
	}
	m := &mapping{split: split, fresh: fresh}
	if err := w.collecting(a, program, m); err != nil {
		return mapreduce.Commit{}, err
	}
	defer m.close()
	if err := w.feed(ctx, a, m); err != nil {
		return mapreduce.Commit{}, err
	}
	counts, reader := mapreduce.Counts{Bytes: split.Bytes(), Records: m.sorter.Records()}, mapreduce.Reduce
	sorter, err := w.combined(ctx, program, m)
	if err != nil {
		return mapreduce.Commit{}, err
	}
	defer sorter.Close()
	if a.task.MapOnly {
		counts.Rows, reader = counts.Records, mapreduce.Finish
	}
	digest, err := w.publish(ctx, a, sorter, func(partition int) mapreduce.Lane { return a.task.LaneTo(reader, partition) })
	return mapreduce.Commit{Counts: counts, Digest: digest, Bad: m.bad}, err
}

// mapper is the program of a map, and what makes mappers of it.
func (w *Worker) mapper(task mapreduce.Task) (program mapreduce.Program, fresh func() (mapreduce.Mapper, error), err error) {
	if program, err = w.programOf(task); err != nil {
		return program, nil, err
	}
	switch {
	case task.Split == nil || !task.MapOnly && (task.Reduces < 1 || task.Reduces > mapreduce.MaxPartitions):
		return program, nil, mapreduce.Permanentf("task %s names no split or no partitions", task.ID)
	case !task.MapOnly && program.Reducer == nil:
		return program, nil, mapreduce.Permanentf("program %s has no reduce: submit the job as map only (\"map_only\": true)", program.Name)
	}
	return program, func() (mapreduce.Mapper, error) {
		mapper, err := program.Mapper(task.Args)
		if err != nil {
			return nil, mapreduce.Permanent(fmt.Errorf("program %s: %w", program.Name, err))
		}
		return mapper, nil
	}, nil
}

// mapping is what a map attempt takes its records through.
type mapping struct {
	split  mapreduce.Split
	fresh  func() (mapreduce.Mapper, error)
	mapper mapreduce.Mapper
	out    mapreduce.Output // the sorter, or a way to it
	sorter *shuffle.Sorter
	into   *shuffle.SorterConfig // what is combined goes there; nil: nothing is
	bad    []mapreduce.BadRecord // left out
}

// change takes another mapper, and closes the last.
func (m *mapping) change() (err error) {
	if err = closeProgram(m.mapper); err == nil {
		m.mapper, err = m.fresh()
	}
	return err
}

func (m *mapping) close() {
	_ = closeProgram(m.mapper) // what it might say has been told by its last call
	_ = m.sorter.Close()
}

// closeProgram closes a mapper or a reducer that wants to be.
func closeProgram(program any) error {
	if c, closes := program.(io.Closer); closes {
		return c.Close()
	}
	return nil
}

// batch maps the records of a batch at once.
func (m *mapping) batch(ctx context.Context, batch mapreduce.Batch) error {
	if err := m.mapper.Map(ctx, batch, m.out); err != nil {
		return fmt.Errorf("map %s from byte %d: %w", batch.Source, batch.Offset, err)
	}
	return nil
}

// flush has the mapper hand over what it has kept back.
func (m *mapping) flush(ctx context.Context) error {
	if err := flush(ctx, m.mapper, m.out); err != nil {
		return fmt.Errorf("map, at the end of a split: %w", err)
	}
	return nil
}

// feed reads the split in batches and maps them.
func (w *Worker) feed(ctx context.Context, a *attempt, m *mapping) (err error) {
	if err = m.change(); err != nil {
		return err
	}
	take := m.batch
	config := input.ReadConfig{Reach: w.reach(), Records: a.task.Records, MaxRecord: w.slotMemory(), Progress: a.progress.Store}
	if _, keeps := m.mapper.(mapreduce.Flusher); a.task.Careful && !keeps { // of what is kept back nobody knows whose it is
		take, config.Lenient = (&careful{m: m, allowed: a.task.SkipBad}).batch, true
	}
	reader := input.Open(m.split, config)
	defer reader.Close()
	for {
		batch, err := reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			return errors.Join(m.flush(ctx), m.sorter.Err())
		}
		if err != nil {
			return err
		}
		if err := take(ctx, batch); err != nil {
			return err
		}
		if err := m.sorter.Err(); err != nil {
			return err
		}
	}
}

// publisher is that of an attempt, whose bytes it counts.
func (w *Worker) publisher(ctx context.Context, a *attempt) (push func(mapreduce.Lane, []byte) error, flush func() error) {
	send, flush := w.Runs.Publisher(ctx)
	return func(lane mapreduce.Lane, chunk []byte) error {
		a.sent.Add(int64(len(chunk)))
		return send(lane, chunk)
	}, flush
}

// publish sends a sorter's runs on their lanes, and waits until all are stored.
func (w *Worker) publish(ctx context.Context, a *attempt, sorter *shuffle.Sorter, lane func(int) mapreduce.Lane) (mapreduce.Digest, error) {
	push, flush := w.publisher(ctx, a)
	owner := shuffle.RunOwner{Task: a.task.ID.N, Attempt: a.id}
	wanted := a.task.Partitions
	digest, err := sorter.Flush(ctx, owner, func(partition int, chunk []byte) error {
		if len(wanted) > 0 && !wanted.Has(partition) {
			return nil // it runs again for other partitions; the digest is over all, to be compared with the first time
		}
		return push(lane(partition), chunk)
	})
	if err != nil {
		return 0, err
	}
	return digest, flush()
}

// slotMemory is the memory bound of one slot; the one for plan and finish counts as one.
func (w *Worker) slotMemory() int64 { return max(w.Memory/int64(w.Slots+1), 1<<20) }
