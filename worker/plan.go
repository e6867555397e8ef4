package worker

import (
	"context"
	"fmt"
	"sync"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/input"
	"jetreduce/mapreduce/output"
)

// plan lists the inputs and cuts the splits; the chunks carry this attempt's name.
func (w *Worker) plan(ctx context.Context, a *attempt) (mapreduce.Commit, error) {
	if err := w.vacant(ctx, a.task); mapreduce.IsPermanent(err) { // all else finish may find otherwise
		return mapreduce.Commit{}, err
	}
	if err := w.fitsBlobs(a.task); err != nil {
		return mapreduce.Commit{}, err
	}
	files, err := w.list(ctx, a.task.Ship)
	if err != nil {
		return mapreduce.Commit{}, err
	}
	if err := w.looksAtInputs(ctx, a.task); err != nil {
		return mapreduce.Commit{}, err
	}
	ref := mapreduce.PlanRef{Plan: a.task.ID, Attempt: a.id}
	summary, err := input.Plan(ctx, a.task.Inputs, input.PlanConfig{
		Reach: w.reach(), SplitSize: a.task.SplitSize, Blob: a.task.Blob, Records: a.task.Records, Slots: a.task.Slots,
		Store: func(chunk mapreduce.PlanChunk) error {
			defer func() { ref.Chunk++ }()
			return w.Plans.Store(ctx, ref, chunk)
		},
	})
	summary.Files = files
	return mapreduce.Commit{Plan: &summary}, err
}

// looksAtInputs lets the program refuse the inputs. One that only another binary has cannot be asked.
func (w *Worker) looksAtInputs(ctx context.Context, task mapreduce.Task) error {
	program, err := w.Program(task.Program)
	if err != nil || program.Inputs == nil {
		return nil
	}
	sources, err := input.List(ctx, task.Inputs, w.reach())
	if err != nil {
		return err
	}
	err = program.Inputs(task.Args, func(yield func(string) bool) {
		for _, source := range sources {
			if !yield(source.Title()) {
				return
			}
		}
	})
	if err != nil {
		return mapreduce.Permanent(fmt.Errorf("program %s: %w", program.Name, err))
	}
	return nil
}

// vacant refuses a target that takes no result, before the work is done.
func (w *Worker) vacant(ctx context.Context, task mapreduce.Task) error {
	switch {
	case task.Target == nil:
		return nil
	case w.tabular(*task.Target):
		return w.Tables.Vacant(ctx, task.ID.UID, *task.Target)
	}
	return output.Vacant(w.Root, *task.Target)
}

// fitsBlobs refuses a job in blobs whose program would see lines cut in two.
func (w *Worker) fitsBlobs(task mapreduce.Task) error {
	if task.Blob == 0 {
		return nil
	}
	program, err := w.Program(task.Program)
	if err != nil {
		return mapreduce.Permanent(err)
	}
	if !program.Words {
		return mapreduce.Permanentf("program %s reads lines, and a blob may end inside one: leave the blob out", task.Program)
	}
	return nil
}

// planCache keeps the chunks of plans that were loaded last: the maps of one chunk follow each other.
type planCache struct {
	source Plans

	mu     sync.Mutex
	recent []cachedChunk // the latest last
}

type cachedChunk struct {
	ref   mapreduce.PlanRef // Index 0
	chunk mapreduce.PlanChunk
}

// split returns the split that ref names.
func (c *planCache) split(ctx context.Context, ref mapreduce.PlanRef) (mapreduce.Split, error) {
	index := ref.Index
	ref.Index = 0
	chunk, err := c.load(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("load split: %w", err)
	}
	return chunk.Split(index)
}

func (c *planCache) load(ctx context.Context, ref mapreduce.PlanRef) (mapreduce.PlanChunk, error) {
	c.mu.Lock()
	defer c.mu.Unlock() // one loads, the other slots find it
	for _, known := range c.recent {
		if known.ref == ref {
			return known.chunk, nil
		}
	}
	chunk, err := c.source.Load(ctx, ref)
	if err != nil {
		return chunk, err
	}
	const keep = 4
	c.recent = append(c.recent, cachedChunk{ref, chunk})
	c.recent = c.recent[max(0, len(c.recent)-keep):]
	return chunk, nil
}
