package worker

import (
	"context"
	"fmt"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/shuffle"
)

// finish makes the output, decides that the job is done, and publishes it: in this order, so that cancel and finish have
// one answer, and the output appears only after it. Whoever runs finish after the decision makes the same output again
// and publishes it, unless it is there.
func (w *Worker) finish(ctx context.Context, a *attempt) (mapreduce.Commit, error) {
	if a.task.Target == nil {
		return mapreduce.Commit{}, mapreduce.Permanentf("task %s names no output", a.task.ID)
	}
	a.decided = a.task.Decided
	draft, publish, err := w.draft(ctx, a)
	if err != nil {
		return mapreduce.Commit{}, err
	}
	defer draft.Discard()
	written, err := w.write(ctx, a.task, draft)
	if err != nil {
		return mapreduce.Commit{}, err
	}
	if scratch, is := draft.(*output.Draft); is {
		if err := w.vouch(ctx, a, scratch, written); err != nil {
			return mapreduce.Commit{}, err
		}
	}
	if err := w.decide(ctx, a, draft.Digest()); err != nil {
		return mapreduce.Commit{}, err
	}
	if a.decided {
		err = publish()
	} // else the job failed or was cancelled first: no output, and nothing more to do
	return mapreduce.Commit{Counts: mapreduce.Counts{Rows: written, Out: draft.Size()}, Digest: draft.Digest()}, err
}

// decide asks for the end of the job, done with this digest, and notes whether it is. An end that was decided with
// another digest, by an earlier attempt, is of a program that is not deterministic.
func (w *Worker) decide(ctx context.Context, a *attempt, digest mapreduce.Digest) error {
	left := mapreduce.LongestFinish - a.age()
	if left <= 0 { // unless the clock was set meanwhile
		age, err := w.ageOnBus(ctx, a)
		if err != nil {
			return err
		}
		left = mapreduce.LongestFinish - age
	}
	if left <= 0 {
		return mapreduce.Permanentf("finish took longer than %s: its job may be forgotten by now", mapreduce.LongestFinish)
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	end, err := w.Commits.Decide(ctx, mapreduce.End{
		Version: mapreduce.RecordVersion, UID: a.task.ID.UID, State: mapreduce.Done, Attempt: a.id, Digest: digest, Mark: a.mark,
	})
	if err != nil {
		return fmt.Errorf("decide the end of %s: %w: %w", a.task.Job, errUncertain, err)
	}
	a.decided, a.mark = end.State == mapreduce.Done, end.Mark
	if a.decided && end.Digest != digest {
		return mapreduce.Permanentf("not deterministic: the output was decided with digest %016x, and made again with %016x",
			uint64(end.Digest), uint64(digest))
	}
	return nil
}

// write puts the reduced partitions into rows of the format asked for: merged, or each into a part of its own.
func (w *Worker) write(ctx context.Context, task mapreduce.Task, draft result) (int64, error) {
	rows, order, err := w.rowsTo(draft, task)
	if err != nil {
		return 0, mapreduce.Permanent(err)
	}
	row := rowIn(order, rows.Row)
	if parts, is := draft.(*output.Parts); is {
		err = w.apart(ctx, task, parts, row)
	} else {
		err = w.merged(ctx, task, row)
	}
	if err != nil {
		return 0, err
	}
	err = rows.Flush()
	return rows.Count(), err
}

// rowIn takes rows as they travel to finish in an order, and hands them over as they were.
func rowIn(order *output.Order, row func(key, value []byte) error) func(composite, value []byte) error {
	return func(composite, value []byte) (err error) {
		key := composite
		if order == nil {
			key, value, err = cutRow(value)
		} else {
			key, err = order.Key(composite)
		}
		if err != nil {
			return err
		}
		return row(key, value)
	}
}

// merged hands over the rows of all partitions in one order.
func (w *Worker) merged(ctx context.Context, task mapreduce.Task, row func(composite, value []byte) error) error {
	merge, err := w.collect(ctx, task, shuffle.CollectorConfig{Memory: w.slotMemory()})
	if err != nil {
		return err
	}
	defer merge.Close()
	return merge.Records(ctx, row)
}

// rowsTo makes the writer of rows that the task asks for, and the order that their keys are in; nil: as they were emitted, or as the input
// has them.
func (w *Worker) rowsTo(draft result, task mapreduce.Task) (rows rowWriter, order *output.Order, err error) {
	program, order, err := w.ordered(task)
	if err != nil {
		return nil, nil, err
	}
	switch draft := draft.(type) {
	case *output.Parts:
		draft.RowsOf(program)
		rows = draft
	case *output.Draft:
		if w.tabular(*task.Target) {
			rows, err = newTableRows(draft, *task.Target, program)
		} else {
			rows, err = newFileRows(draft, *task.Target, program)
		}
	}
	if err == nil && task.Target.Top > 0 {
		rows = &topRows{rows, output.NewTop(task.Target.Top, program)}
	}
	return rows, order, err
}
