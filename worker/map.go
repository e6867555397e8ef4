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
	program, mapper, err := w.mapper(a.task)
	if err != nil {
		return mapreduce.Commit{}, err
	}
	split, err := w.plans.split(ctx, *a.task.Split)
	if err != nil {
		return mapreduce.Commit{}, err
	}
	sorter := shuffle.NewSorter(shuffle.SorterConfig{
		Partitions: a.task.Reduces, Combiner: program.Combiner, Memory: w.slotMemory(), Scratch: w.Scratch,
	})
	defer sorter.Close()
	if err := w.feed(ctx, a, split, mapper, sorter); err != nil {
		return mapreduce.Commit{}, err
	}
	digest, err := w.publish(ctx, a, sorter, func(partition int) mapreduce.Lane {
		return laneTo(a.task.ID, mapreduce.Reduce, partition)
	})
	return mapreduce.Commit{Counts: mapreduce.Counts{Bytes: split.Bytes(), Records: sorter.Records()}, Digest: digest}, err
}

func (w *Worker) mapper(task mapreduce.Task) (mapreduce.Program, mapreduce.Mapper, error) {
	program, err := w.Program(task.Program)
	if err != nil {
		return program, nil, mapreduce.Permanent(err)
	}
	if task.Split == nil || task.Reduces < 1 || task.Reduces > mapreduce.MaxPartitions {
		return program, nil, mapreduce.Permanentf("task %s names no split or no partitions", task.ID)
	}
	mapper, err := program.Mapper(task.Args)
	if err != nil {
		return program, nil, mapreduce.Permanent(fmt.Errorf("program %s: %w", task.Program, err))
	}
	return program, mapper, nil
}

// feed reads the split in batches and maps them.
func (w *Worker) feed(ctx context.Context, a *attempt, split mapreduce.Split, mapper mapreduce.Mapper, out *shuffle.Sorter) error {
	reader := input.Open(split, input.ReadConfig{MaxRecord: w.slotMemory(), Progress: a.progress.Store})
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
			return fmt.Errorf("map %s from byte %d: %w", batch.Source, batch.Offset, err)
		}
		if err := out.Err(); err != nil {
			return err
		}
	}
}

// publish sends a sorter's runs on their lanes, and waits until all are stored.
func (w *Worker) publish(ctx context.Context, a *attempt, sorter *shuffle.Sorter, lane func(int) mapreduce.Lane) (mapreduce.Digest, error) {
	push, flush := w.Runs.Publisher(ctx)
	owner := shuffle.RunOwner{Task: a.task.ID.N, Attempt: a.id}
	digest, err := sorter.Flush(ctx, owner, func(partition int, chunk []byte) error {
		return push(lane(partition), chunk)
	})
	if err != nil {
		return 0, err
	}
	return digest, flush()
}

// laneTo is the lane from a task to a reader of the same job.
func laneTo(from mapreduce.TaskID, reader mapreduce.Phase, partition int) mapreduce.Lane {
	return mapreduce.Lane{UID: from.UID, Reader: reader, Partition: partition, Generation: from.Generation}
}

// slotMemory is the memory bound of one slot; the one for plan and finish counts as one.
func (w *Worker) slotMemory() int64 { return max(w.Memory/int64(w.Slots+1), 1<<20) }
