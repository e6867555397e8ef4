package worker

import (
	"context"
	"errors"
	"fmt"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/shuffle"
)

// partsDraft is draft for a directory with one file a partition, or, when the job is map only, one a map.
func (w *Worker) partsDraft(a *attempt) (draft *output.Parts, publish func() error, err error) {
	config := output.PartsConfig{Root: w.Root, Target: *a.task.Target}
	if a.task.Roster != nil {
		config.Parts = a.task.Roster.Tasks
	}
	draft, err = output.NewParts(config)
	return draft, draft.Publish, err
}

// apart writes the rows of each partition into a part of its own. What is missing is looked for twice, as merge does.
func (w *Worker) apart(ctx context.Context, task mapreduce.Task, parts *output.Parts, row func(composite, value []byte) error) error {
	roster, err := w.roster(ctx, task)
	if err != nil {
		return err
	}
	for look := 1; ; look++ {
		collector := shuffle.NewCollector(shuffle.CollectorConfig{Roster: roster, Memory: w.slotMemory(), Scratch: w.Scratch})
		err := w.fetch(ctx, task, collector)
		last := err != nil || collector.Complete() || look == 2
		if err == nil && last {
			err = collector.Apart(ctx, func(int) error { return parts.Next() }, row)
		}
		if err = errors.Join(err, collector.Close()); err != nil {
			return fmt.Errorf("collect runs for %s: %w", task.ID, err)
		}
		if last {
			return nil
		}
	}
}
