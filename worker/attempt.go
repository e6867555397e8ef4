package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"jetreduce/mapreduce"
)

// attempt is one execution of a task: begun when it was pulled, named by this worker.
type attempt struct {
	id       mapreduce.Attempt
	task     mapreduce.Task
	progress *atomic.Int64 // map: bytes read
	decided  bool          // finish: the end of the job is decided, and it is done
}

// attempt runs a delivery and settles it. Whatever goes wrong is recorded where the leader sees it; there is nobody else
// to tell.
func (w *Worker) attempt(ctx context.Context, delivery mapreduce.Delivery) {
	a := &attempt{
		id:   mapreduce.Attempt{Worker: w.ID, N: w.attempts.Add(1)},
		task: delivery.Task, progress: &atomic.Int64{},
	}
	now := time.Now()
	w.running.add(&entry{delivery, a.id, now, now, a.progress})
	defer w.running.remove(a.id)

	commit, err := w.execute(ctx, a)
	if err == nil {
		err = w.commit(ctx, a, commit)
	}
	how := w.outcome(ctx, a, err)
	// The caller's context may have ended: that is just when a delivery must be handed back.
	settleCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWait)
	defer cancel()
	if err := w.Queue.Settle(settleCtx, delivery.Receipt, how); err != nil {
		w.Log.Warn("delivery not settled; it will come again", "task", a.task.ID, "attempt", a.id, "cause", err)
	}
}

// settleWait bounds how long a worker that stops waits for the queue.
const settleWait = 2 * time.Second

// outcome says how the delivery is settled, and records a failure first: a task that leaves the queue without a commit
// and without a record would be forgotten until the leader looks.
func (w *Worker) outcome(ctx context.Context, a *attempt, err error) mapreduce.Settlement {
	switch {
	case err == nil:
		return mapreduce.Complete
	case ctx.Err() != nil || errors.Is(err, mapreduce.ErrNotMine):
		return mapreduce.HandBack
	case errors.Is(err, errUncertain) && !mapreduce.IsPermanent(err):
		w.Log.Warn("commit not answered; the task will come again", "task", a.task.ID, "attempt", a.id, "cause", err)
		return mapreduce.Later
	}
	w.Log.Warn("attempt failed", "job", a.task.Job, "task", a.task.ID, "attempt", a.id, "cause", err)
	failure := mapreduce.Failure{
		Version: mapreduce.RecordVersion, Task: a.task.ID, Attempt: a.id, Reason: abridge(err.Error()), At: time.Now(),
		Permanent: mapreduce.IsPermanent(err), Decided: a.decided,
	}
	if err := w.Commits.Fail(ctx, failure); err != nil {
		w.Log.Warn("failure not recorded; the task will come again", "task", a.task.ID, "attempt", a.id, "cause", err)
		return mapreduce.Later
	}
	return mapreduce.Discard
}

// errUncertain: what was to be committed may stand or not. That is no failure of the attempt, which may have won.
var errUncertain = errors.New("no certain answer")

// execute does the work of an attempt. A panic in a user's program is the attempt's failure, not the worker's end.
func (w *Worker) execute(ctx context.Context, a *attempt) (commit mapreduce.Commit, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("program %s panicked: %v\n%s", a.task.Program, cause, debug.Stack())
		}
	}()
	switch a.task.ID.Phase {
	case mapreduce.Plan:
		commit, err = w.plan(ctx, a)
	case mapreduce.Map:
		commit, err = w.mapSplit(ctx, a)
	case mapreduce.Reduce:
		commit, err = w.reduce(ctx, a)
	case mapreduce.Finish:
		commit, err = w.finish(ctx, a)
	default:
		err = mapreduce.ErrNotMine
	}
	commit.Version, commit.Task, commit.Attempt = mapreduce.RecordVersion, a.task.ID, a.id
	return commit, err
}

// commit makes the output count, unless another attempt's does already. Two attempts that differ mean a program that is
// not deterministic: the first stands, whole, and the difference is reported.
func (w *Worker) commit(ctx context.Context, a *attempt, commit mapreduce.Commit) error {
	standing, err := w.Commits.Commit(ctx, commit)
	if err != nil {
		return fmt.Errorf("commit %s: %w: %w", a.task.ID, errUncertain, err)
	}
	if standing.Attempt != a.id && standing.Digest != commit.Digest {
		w.Log.Error("not deterministic: two attempts of one task gave different output; the committed one counts",
			"job", a.task.Job, "task", a.task.ID, "committed", standing.Attempt, "attempt", a.id)
	}
	return nil
}

// abridge bounds the words of a failure, which go into records: both their beginning and their end tell.
func abridge(words string) string {
	const most = 8 << 10
	if len(words) <= most {
		return words
	}
	head, tail := words[:most/2], words[len(words)-most/2:]
	return strings.ToValidUTF8(head, "") + "\n…\n" + strings.ToValidUTF8(tail, "")
}
