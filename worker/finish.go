package worker

import (
	"context"
	"fmt"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
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
	if err := w.decide(ctx, a, draft.Digest()); err != nil {
		return mapreduce.Commit{}, err
	}
	if a.decided {
		err = publish()
	} // else the job failed or was cancelled first: no output, and nothing more to do
	return mapreduce.Commit{Counts: mapreduce.Counts{Rows: written}, Digest: draft.Digest()}, err
}

// decide asks for the end of the job, done with this digest, and notes whether it is. An end that was decided with
// another digest, by an earlier attempt, is of a program that is not deterministic.
func (w *Worker) decide(ctx context.Context, a *attempt, digest mapreduce.Digest) error {
	end, err := w.Commits.Decide(ctx, mapreduce.End{
		Version: mapreduce.RecordVersion, UID: a.task.ID.UID, State: mapreduce.Done, Attempt: a.id, Digest: digest,
	})
	if err != nil {
		return fmt.Errorf("decide the end of %s: %w: %w", a.task.Job, errUncertain, err)
	}
	a.decided = end.State == mapreduce.Done
	if a.decided && end.Digest != digest {
		return mapreduce.Permanentf("not deterministic: the output was decided with digest %016x, and made again with %016x",
			uint64(end.Digest), uint64(digest))
	}
	return nil
}

// write merges the reduced partitions into rows of the format asked for.
func (w *Worker) write(ctx context.Context, task mapreduce.Task, draft *output.Draft) (int64, error) {
	rows, order, err := w.rowsTo(draft, task)
	if err != nil {
		return 0, mapreduce.Permanent(err)
	}
	merge, err := w.collect(ctx, task, w.slotMemory())
	if err != nil {
		return 0, err
	}
	defer merge.Close()
	err = merge.Records(ctx, func(composite, value []byte) (err error) {
		key := composite
		if order == nil {
			key, value, err = cutRow(value)
		} else {
			key, err = order.Key(composite)
		}
		if err != nil {
			return err
		}
		return rows.Row(key, value)
	})
	if err != nil {
		return 0, err
	}
	return rows.Count(), rows.Flush()
}

// rowsTo makes the writer of rows that the task asks for, and the order that their keys are in; nil: as the input has them.
func (w *Worker) rowsTo(draft *output.Draft, task mapreduce.Task) (*output.Rows, *output.Order, error) {
	program, order, err := w.ordered(task)
	if err != nil {
		return nil, nil, err
	}
	format, err := output.ParseFormat(task.Target.Format)
	if err != nil {
		return nil, nil, err
	}
	return output.NewRows(draft, format, program), order, nil
}
