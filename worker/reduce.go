package worker

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/shuffle"
)

// reduce merges the runs of one partition, reduces each group, and publishes the rows as one run in the order asked for.
func (w *Worker) reduce(ctx context.Context, a *attempt) (mapreduce.Commit, error) {
	reducer, order, err := w.reducer(a.task)
	if err != nil {
		return mapreduce.Commit{}, err
	}
	merge, err := w.collect(ctx, a.task, w.slotMemory()/2)
	if err != nil {
		return mapreduce.Commit{}, err
	}
	defer merge.Close()
	rows := &rows{order: order, sorter: shuffle.NewSorter(shuffle.SorterConfig{Memory: w.slotMemory() / 2, Scratch: w.Scratch})}
	defer rows.sorter.Close()
	groups, err := grouping{a.task.Program, reducer, rows}.reduce(ctx, merge)
	if err != nil {
		return mapreduce.Commit{}, err
	}
	digest, err := w.publish(ctx, a, rows.sorter, func(int) mapreduce.Lane { return a.task.LaneTo(mapreduce.Finish, 0) })
	counts := mapreduce.Counts{Records: merge.Count(), Groups: groups, Rows: rows.sorter.Records()}
	return mapreduce.Commit{Counts: counts, Digest: digest}, err
}

func (w *Worker) reducer(task mapreduce.Task) (mapreduce.Reducer, *output.Order, error) {
	program, err := w.Program(task.Program)
	if err != nil {
		return nil, nil, mapreduce.Permanent(err)
	}
	if task.Target == nil {
		return nil, nil, mapreduce.Permanentf("task %s names no output", task.ID)
	}
	order, err := output.ParseOrder(task.Target.Order)
	if err != nil {
		return nil, nil, mapreduce.Permanent(err)
	}
	reducer, err := program.Reducer(task.Args)
	if err != nil {
		return nil, nil, mapreduce.Permanent(fmt.Errorf("program %s: %w", task.Program, err))
	}
	return reducer, order, nil
}

// grouping is what a reduce attempt takes its groups through.
type grouping struct {
	program string
	reducer mapreduce.Reducer
	out     *rows
}

// reduce hands each group to the reducer, and counts them.
func (g grouping) reduce(ctx context.Context, merge *shuffle.Merge) (int64, error) {
	var groups int64
	err := merge.Groups(ctx, func(key []byte, values iter.Seq[[]byte]) error {
		groups++
		if err := g.reducer.Reduce(ctx, key, values, g.out); err != nil {
			return fmt.Errorf("reduce %s key %.100q: %w", g.program, key, err)
		}
		return g.out.sorter.Err()
	})
	if err != nil {
		return groups, err
	}
	if err := flush(ctx, g.reducer, g.out); err != nil {
		return groups, fmt.Errorf("reduce %s, after the last key: %w", g.program, err)
	}
	return groups, nil
}

// flush has a mapper or reducer hand over what it has kept back.
func flush(ctx context.Context, keeper any, out mapreduce.Output) error {
	if f, keeps := keeper.(mapreduce.Flusher); keeps {
		return f.Flush(ctx, out)
	}
	return nil
}

// collect fetches the runs that the task's roster names. What is missing is looked for twice: a bus that was away in the
// middle may have shown the lane as it was before and after.
func (w *Worker) collect(ctx context.Context, task mapreduce.Task, memory int64) (*shuffle.Merge, error) {
	roster, err := w.roster(ctx, task)
	if err != nil {
		return nil, err
	}
	for look := 1; ; look++ {
		collector := shuffle.NewCollector(shuffle.CollectorConfig{Roster: roster, Memory: memory, Scratch: w.Scratch})
		err := w.fetch(ctx, task, collector)
		var merge *shuffle.Merge
		if err == nil {
			merge, err = collector.Merge(ctx)
		}
		if err == nil {
			return merge, nil
		}
		err = errors.Join(err, collector.Close())
		if !errors.Is(err, mapreduce.ErrRunsLost) || look == 2 {
			return nil, fmt.Errorf("collect runs for %s: %w", task.ID, err)
		}
	}
}

// Gather merges the runs that a reduce task's roster names and hands over each group, reducing nothing: for whom wants to know what
// some of the maps have made.
func (w *Worker) Gather(ctx context.Context, task mapreduce.Task, yield func(key []byte, values iter.Seq[[]byte]) error) error {
	merge, err := w.collect(ctx, task, w.slotMemory())
	if err != nil {
		return err
	}
	return errors.Join(merge.Groups(ctx, yield), merge.Close())
}

// fetch takes in all lanes that the task reads. A lane that is gone and a chunk that is damaged are no errors yet: what
// is needed may stand elsewhere, and if it does not, the collector knows what is missing.
func (w *Worker) fetch(ctx context.Context, task mapreduce.Task, collector *shuffle.Collector) error {
	lanes := task.Lanes
	if len(lanes) == 0 {
		lanes = []mapreduce.Generation{1}
	}
	lane := task.ID.Lane()
	for _, lane.Generation = range lanes {
		err := w.Runs.Fetch(ctx, lane, func(chunk []byte) error {
			err := collector.Add(chunk)
			if errors.Is(err, mapreduce.ErrRunsLost) {
				w.Log.Warn("damaged chunk", "task", task.ID, "cause", err)
				return nil
			}
			return err
		})
		if err != nil && !errors.Is(err, mapreduce.ErrRunsLost) {
			return err
		}
	}
	return nil
}

func (w *Worker) roster(ctx context.Context, task mapreduce.Task) (mapreduce.Roster, error) {
	if task.Roster == nil {
		return nil, mapreduce.Permanentf("task %s names no roster", task.ID)
	}
	packed := task.Roster.Inline
	if task.Roster.Chunks > 0 {
		var err error
		if packed, err = w.Plans.Roster(ctx, *task.Roster); err != nil {
			return nil, err
		}
	}
	roster, err := mapreduce.DecodeRoster(packed)
	if err != nil {
		return nil, fmt.Errorf("task %s: %w", task.ID, err)
	}
	if len(roster) != task.Roster.Tasks { // a shorter one would drop maps, silently
		return nil, mapreduce.Permanentf("task %s: a roster of %d tasks, not %d", task.ID, len(roster), task.Roster.Tasks)
	}
	return roster, nil
}

// rows takes a reducer's rows and sorts them in the order asked for.
type rows struct {
	order  *output.Order
	sorter *shuffle.Sorter
	key    []byte
}

func (r *rows) Emit(key, value []byte) {
	r.key = r.order.AppendKey(r.key[:0], key)
	r.sorter.Emit(r.key, value)
}
