package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/shuffle"
)

// reduce merges the runs of one partition, reduces each group, and publishes the rows as one run in the order asked for.
func (w *Worker) reduce(ctx context.Context, a *attempt) (mapreduce.Commit, error) {
	program, order, err := w.ordered(a.task)
	if err != nil {
		return mapreduce.Commit{}, err
	}
	reducer, err := program.Reducer(a.task.Args)
	if err != nil {
		return mapreduce.Commit{}, mapreduce.Permanent(fmt.Errorf("program %s: %w", program.Name, err))
	}
	defer closeProgram(reducer)
	merge, err := w.collect(ctx, a.task, shuffle.CollectorConfig{Memory: w.slotMemory() / 2, Keying: shuffle.KeyingOf(program)})
	if err != nil {
		return mapreduce.Commit{}, err
	}
	defer merge.Close()
	out, err := w.rowsOf(ctx, a, program, order)
	if err != nil {
		return mapreduce.Commit{}, err
	}
	defer out.close()
	var groups int64
	if program.Reduces == 0 || a.task.ID.N < program.Reduces { // else all keys are elsewhere, and the reducer has nothing to say
		if groups, err = (grouping{program.Name, reducer, out}).reduce(ctx, merge); err != nil {
			return mapreduce.Commit{}, err
		}
	}
	digest, err := out.publish()
	counts := mapreduce.Counts{Records: merge.Count(), Groups: groups, Rows: out.Records()}
	return mapreduce.Commit{Counts: counts, Digest: digest}, err
}

// ordered is a task's program, and the order of its rows; nil: as the input has them.
func (w *Worker) ordered(task mapreduce.Task) (program mapreduce.Program, order *output.Order, err error) {
	if program, err = w.programOf(task); err != nil {
		return program, nil, err
	}
	order, err = rowOrder(task, program)
	return program, order, err
}

// rowOrder is the order of a task's rows; nil: as they were emitted, partition after partition, or as the input has them.
func rowOrder(task mapreduce.Task, program mapreduce.Program) (*output.Order, error) {
	if task.Target == nil {
		return nil, mapreduce.Permanentf("task %s names no output", task.ID)
	}
	name := cmp.Or(task.Target.Order, program.Order)
	if name == output.Emitted || name == "" && (task.MapOnly || program.KeyOrder != nil) { // who orders keys wants to see that order
		return nil, nil
	}
	order, err := output.ParseOrder(name)
	return order, mapreduce.Permanent(err)
}

// grouping is what a reduce attempt takes its groups through.
type grouping struct {
	program string
	reducer mapreduce.Reducer
	out     rows
}

// reduce hands each group to the reducer, and counts them.
func (g grouping) reduce(ctx context.Context, merge *shuffle.Merge) (int64, error) {
	var groups int64
	err := merge.Groups(ctx, func(key []byte, values iter.Seq[[]byte]) error {
		groups++
		if err := g.reducer.Reduce(ctx, key, values, g.out); err != nil {
			return fmt.Errorf("reduce %s key %.100q: %w", g.program, key, err)
		}
		return g.lost()
	})
	if err != nil {
		return groups, err
	}
	if err := flush(ctx, g.reducer, g.out); err != nil {
		return groups, fmt.Errorf("reduce %s, after the last key: %w", g.program, err)
	}
	return groups, g.lost()
}

// lost is what went wrong with the rows. It may be the program's doing, so it is named.
func (g grouping) lost() error {
	if err := g.out.Err(); err != nil {
		return fmt.Errorf("rows of reduce %s: %w", g.program, err)
	}
	return nil
}

// flush has a mapper or reducer hand over what it has kept back.
func flush(ctx context.Context, keeper any, out mapreduce.Output) error {
	if f, keeps := keeper.(mapreduce.Flusher); keeps {
		return f.Flush(ctx, out)
	}
	return nil
}

// collect merges the runs that the task's roster names.
func (w *Worker) collect(ctx context.Context, task mapreduce.Task, of shuffle.CollectorConfig) (merge *shuffle.Merge, err error) {
	if of.Roster, err = w.roster(ctx, task); err != nil {
		return nil, err
	}
	return w.merge(ctx, task, of)
}

// Gather merges the runs that some attempts of maps have left for a reduce task and hands over each group, reducing nothing: for whom
// wants to know what these maps have made. The roster is by map; of one whose attempt is zero nothing is read. Runs that are not all there
// are mapreduce.RunsLost.
func (w *Worker) Gather(ctx context.Context, task mapreduce.Task, roster mapreduce.Roster,
	yield func(key []byte, values iter.Seq[[]byte]) error) error {
	merge, err := w.merge(ctx, task, shuffle.CollectorConfig{Roster: roster, Sparse: true, Memory: w.slotMemory()})
	if err != nil {
		return err
	}
	return errors.Join(merge.Groups(ctx, yield), merge.Close())
}

// merge fetches the runs that a roster names. What is missing is looked for twice: a bus that was away in the middle may have shown
// the lane as it was before and after.
func (w *Worker) merge(ctx context.Context, task mapreduce.Task, of shuffle.CollectorConfig) (*shuffle.Merge, error) {
	of.Scratch = w.Scratch
	for look := 1; ; look++ {
		collector := shuffle.NewCollector(of)
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

// fetch takes in the lanes that the task reads, as far as they are needed: the latest first, since it was made because of one before it,
// which may be out of reach, and would be waited for. A lane that is gone and a chunk that is damaged are no errors yet: what is needed may
// stand elsewhere, and if it does not, the collector knows what is missing.
func (w *Worker) fetch(ctx context.Context, task mapreduce.Task, collector *shuffle.Collector) error {
	lanes := task.Lanes
	if len(lanes) == 0 {
		lanes = []mapreduce.Generation{1}
	}
	lane := task.ID.Lane()
	for _, lane.Generation = range slices.Backward(lanes) {
		if collector.Complete() {
			return nil
		}
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
