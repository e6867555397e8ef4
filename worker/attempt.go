package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"jetreduce/mapreduce"
)

// attempt is one execution of a task: named by this worker when it gets the task, begun at once or a moment later.
type attempt struct {
	id       mapreduce.Attempt
	task     mapreduce.Task
	progress *atomic.Int64 // map: bytes read
	context  *mapreduce.TaskContext
	decided  bool // finish: the end of the job is decided, and it is done

	table *mapreduce.Table // finish: the rows that go to a bucket or a stream
	mark  string           // finish: where that stood before the decision

	life      context.Context // ends when nobody needs the attempt any more, by errOver or with the worker
	end       context.CancelCauseFunc
	receipt   string
	delivered int  // the how manieth delivery of its task it has
	repeated  bool // another attempt may have been made before
	untried   bool // there was nothing to do, or no way

	onBus  time.Time // when it was queued, by the bus's clock
	queued time.Time // likewise, by this machine's once the two were compared
	begun  time.Time
	sent   atomic.Int64  // map, reduce: bytes published on lanes
	took   time.Duration // to execute it
}

// maxAvoided is how often a task may be handed back that its workers were asked to leave to others.
const maxAvoided = 40

// receive takes a delivery in: from now on heartbeats name it, and it is handed on if this worker dies.
func (w *Worker) receive(ctx context.Context, delivery mapreduce.Delivery) *attempt {
	a := &attempt{
		id:   mapreduce.Attempt{Worker: w.ID, N: w.attempts.Add(1)},
		task: delivery.Task, progress: &atomic.Int64{}, receipt: delivery.Receipt, delivered: delivery.Count,
		repeated: delivery.Repeated || delivery.Task.Round > 1,
		onBus:    delivery.Queued, queued: delivery.Queued,
	}
	a.context = &mapreduce.TaskContext{Job: a.task.Job, Task: a.task.ID, Attempt: a.id, Log: w.listen(a)}
	a.life, a.end = context.WithCancelCause(ctx)
	now := time.Now()
	w.running.add(&entry{delivery, a.id, now, now, a.progress, a.context, a.end})
	poke(w.received)
	return a
}

// release forgets an attempt that is settled.
func (w *Worker) release(a *attempt) {
	a.end(nil)
	w.running.remove(a.id)
}

// perform executes an attempt, and reports whether it was a task for this worker, and how it is committed and settled. Whatever goes
// wrong is recorded where the leader sees it; there is nobody else to tell.
func (w *Worker) perform(ctx context.Context, a *attempt) (mine bool, settle func()) {
	a.begun = time.Now()
	w.running.begin(a.id, a.begun)
	commit, err := w.try(a)
	a.took = time.Since(a.begun)
	return !errors.Is(err, mapreduce.ErrNotMine), func() {
		if err == nil {
			err = w.commit(a.life, a, commit)
		}
		if errors.Is(context.Cause(a.life), errOver) {
			err = errOver
		}
		w.settle(ctx, a, w.outcome(ctx, a, err))
		w.release(a)
	}
}

// settle gives a delivery back. The context may have ended: that is just when it must be handed back.
func (w *Worker) settle(ctx context.Context, a *attempt, how mapreduce.Settlement) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWait)
	defer cancel()
	if err := w.Queue.Settle(ctx, a.receipt, how); err != nil {
		w.Log.Warn("delivery not settled; it will come again", "task", a.task.ID, "attempt", a.id, "cause", err)
	}
}

// errOver: the leader has said that the job or the task is over, and nobody waits for the attempt any more.
var errOver = errors.New("nobody needs it any more")

// errAvoid: the leader asks this worker to leave the task to others.
var errAvoid = errors.New("left to another worker")

// avoided reports whether this worker was asked to leave the task to others.
func (a *attempt) avoided() bool { return slices.Contains(a.task.Avoid, a.id.Worker) }

// leave is how a task is settled that is left to others.
func (a *attempt) leave() mapreduce.Settlement {
	if a.delivered < maxAvoided {
		return mapreduce.Later // at once it might come straight back
	}
	return mapreduce.Discard // nobody wants it; the leader sees that it is gone, and looks who is there now
}

// try executes an attempt, unless it is over before it begins.
func (w *Worker) try(a *attempt) (mapreduce.Commit, error) {
	switch {
	case a.life.Err() != nil:
		return mapreduce.Commit{}, a.life.Err()
	case a.avoided():
		return mapreduce.Commit{}, errAvoid
	}
	err := w.fresh(a)
	if err == nil {
		err = w.wanted(a)
	}
	if err != nil {
		return mapreduce.Commit{}, err
	}
	if a.untried = w.stranded.has(a.task); a.untried {
		return mapreduce.Commit{}, fmt.Errorf("its lanes were out of reach for other tasks: %w", mapreduce.ErrRunsLost)
	}
	return w.execute(a.life, a)
}

// errCommitted: somebody has committed the task before.
var errCommitted = errors.New("it is committed")

// wanted looks whether somebody has committed the task and could not settle it, when it is handed out again: to do it once more might take
// long, for nothing. Whether its job has ended, finish sees by itself. An attempt that cannot see it finds out when it commits.
func (w *Worker) wanted(a *attempt) error {
	if !a.repeated || a.task.ID.Phase == mapreduce.Finish {
		return nil
	}
	if stands, err := w.Commits.Stands(a.life, a.task.ID); err == nil && stands {
		a.untried = true
		return errCommitted
	}
	return nil
}

// settleWait bounds how long a worker that stops waits for the queue.
const settleWait = 2 * time.Second

// outcome says how the delivery is settled, and records a failure first: a task that leaves the queue without a commit
// and without a record would be forgotten until the leader looks.
func (w *Worker) outcome(ctx context.Context, a *attempt, err error) mapreduce.Settlement {
	switch {
	case err == nil, errors.Is(err, errCommitted):
		return mapreduce.Complete
	case errors.Is(err, errStale):
		w.Log.Warn("task not begun: it was queued too long ago", "task", a.task.ID, "queued", a.onBus)
		return mapreduce.Discard
	case errors.Is(err, errOver):
		return mapreduce.Discard
	case ctx.Err() != nil || errors.Is(err, mapreduce.ErrNotMine):
		return mapreduce.HandBack
	case errors.Is(err, errAvoid):
		return a.leave()
	case errors.Is(err, errUncertain) && !mapreduce.IsPermanent(err):
		w.Log.Warn("commit not answered; the task will come again", "task", a.task.ID, "attempt", a.id, "cause", err)
		return mapreduce.Later
	}
	w.Log.Warn("attempt failed", "job", a.task.Job, "task", a.task.ID, "attempt", a.id, "cause", err)
	if err := w.Commits.Fail(ctx, w.failure(a, err)); err != nil {
		w.Log.Warn("failure not recorded; the task will come again", "task", a.task.ID, "attempt", a.id, "cause", err)
		return mapreduce.Later
	}
	return mapreduce.Discard
}

// failure is the record of an attempt that failed with err. What only this worker lacks dooms no job: the record says who
// that is.
func (w *Worker) failure(a *attempt, err error) mapreduce.Failure {
	failure := mapreduce.Failure{
		Version: mapreduce.RecordVersion, Task: a.task.ID, Attempt: a.id, Reason: abridge(err.Error()), At: time.Now(),
		Permanent: mapreduce.IsPermanent(err), Careful: a.task.Careful, Decided: a.decided,
		Took: time.Since(a.begun), Speculative: a.task.Speculative,
	}
	var lost mapreduce.RunsLost
	switch {
	case errors.Is(err, mapreduce.ErrAbsent) || noRoomHere(err):
		failure.Absent, failure.Permanent = true, false
		if w.Host != "" { // it is the only one in its process, and nobody needs to know its name
			failure.Reason = fmt.Sprintf("worker %s on %s: %s", w.ID, w.Host, failure.Reason)
		}
	case errors.As(err, &lost):
		failure.Missing, failure.Seen = mapreduce.RangesOf(lost.Tasks...).Coarse(maxRanges), latest(a.task.Lanes)
	case errors.Is(err, mapreduce.ErrRunsLost):
		failure.Laneless = true
		w.stranded.note(a.task)
	}
	return failure
}

// noRoomHere reports whether this worker's own disk is full: another may have room.
func noRoomHere(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS)
}

// maxRanges bounds the record of an attempt that missed what others had made.
const maxRanges = 4096

// latest is the latest generation of the lanes that a task reads.
func latest(lanes []mapreduce.Generation) mapreduce.Generation {
	if len(lanes) == 0 {
		return 1
	}
	return slices.Max(lanes)
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
		commit, err = w.inContext(ctx, a, w.mapSplit)
	case mapreduce.Reduce:
		commit, err = w.inContext(ctx, a, w.reduce)
	case mapreduce.Finish:
		commit, err = w.finish(ctx, a)
	default:
		err = mapreduce.ErrNotMine
	}
	commit.Version, commit.Task, commit.Attempt, commit.Took = mapreduce.RecordVersion, a.task.ID, a.id, time.Since(a.begun)
	commit.Ended, commit.Speculative, commit.Counts.Shuffled = time.Now().UnixMilli(), a.task.Speculative, a.sent.Load()
	return commit, err
}

// commit makes the output count, unless another attempt's does already. Two attempts that differ mean a program that is
// not deterministic: the first stands, whole, and the difference is reported.
func (w *Worker) commit(ctx context.Context, a *attempt, commit mapreduce.Commit) error {
	standing, err := w.Commits.Commit(ctx, commit)
	if err != nil {
		return fmt.Errorf("commit %s: %w: %w", a.task.ID, errUncertain, err)
	}
	w.stranded.forget(a.task)
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
