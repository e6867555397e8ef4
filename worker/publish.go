package worker

import (
	"context"

	"jetreduce/mapreduce/output"
)

// draft begins a finish task's output, and returns how it is published: a file beside its target, where it only gets its
// name; an object in the scratch directory, from where it is copied. What the target cannot take is refused before the
// work is done.
func (w *Worker) draft(ctx context.Context, a *attempt) (draft *output.Draft, publish func() error, err error) {
	target, uid := *a.task.Target, a.task.ID.UID
	_, isObject, err := target.Object()
	switch {
	case err != nil:
		return nil, nil, err
	case !isObject || w.Results == nil:
		draft, err = output.NewDraftUnder(w.Root, target)
		return draft, draft.Publish, err
	}
	if err := w.Results.Check(ctx, uid, target); err != nil {
		return nil, nil, err
	}
	draft, err = output.NewScratchDraft(w.Scratch)
	return draft, func() error {
		return w.Results.Publish(ctx, uid, target, draft, draft.Size(), draft.Digest())
	}, err
}
