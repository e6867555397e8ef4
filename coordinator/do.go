package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"jetreduce/mapreduce"
)

// do carries out one command. Words to users that cannot be said are dropped: they ask again.
func (l *leader) do(ctx context.Context, command Command) ([]mapreduce.Event, error) {
	switch c := command.(type) {
	case WriteRecord:
		l.note(c.Record)
		err := l.Journal.Write(ctx, c.Record)
		l.confirmed = l.confirmed || err == nil
		return nil, err
	case WriteFailure:
		l.log.Warn("attempt lost", "task", c.Failure.Task, "attempt", c.Failure.Attempt, "reason", c.Failure.Reason)
		return nil, l.Ledger.Fail(ctx, c.Failure)
	case WriteEnd:
		return nil, l.Ledger.End(ctx, c.End)
	case Accept:
		return nil, l.accept(ctx, c)
	case Enqueue, OpenQueue, CloseQueue, HandOn, Withdraw, ReadClock:
		return l.tend(ctx, command)
	case Answer:
		return nil, l.answer(ctx, c)
	case KeepTimeline, DropTimeline:
		return nil, l.remember(ctx, command)
	case Tell, Reject, Dismiss:
		l.say(command)
		return nil, nil
	default:
		return l.store(ctx, command)
	}
}

// accept settles a submission. One that the bus keeps for good is known by its sequence, for as long as its job is remembered.
func (l *leader) accept(ctx context.Context, c Accept) error {
	err := l.Inbox.Accept(ctx, c.Seq)
	if ctx.Err() == nil && mapreduce.IsPermanent(err) && !errors.Is(err, mapreduce.ErrDeposed) && !errors.Is(err, mapreduce.ErrDenied) {
		l.log.Warn("a submission that was taken up stays in its stream", "seq", c.Seq, "cause", err)
		return nil
	}
	return err
}

// tend carries out a command about queues.
func (l *leader) tend(ctx context.Context, command Command) ([]mapreduce.Event, error) {
	switch c := command.(type) {
	case Enqueue:
		return l.enqueue(ctx, c.Tasks)
	case OpenQueue:
		return l.open(ctx, c)
	case CloseQueue:
		return nil, l.close(ctx, c)
	case HandOn:
		return nil, l.Queue.HandOn(ctx, c.Receipt)
	case Withdraw:
		return nil, l.Queue.Withdraw(ctx, c.Seqs)
	case ReadClock:
		return l.readClock(ctx)
	default:
		panic(fmt.Sprintf("%T is not about a queue", command))
	}
}

// open makes the queue of a pool and class. That the bus refuses it is the trouble of their jobs, which wait.
func (l *leader) open(ctx context.Context, c OpenQueue) ([]mapreduce.Event, error) {
	opened := mapreduce.QueueOpened{Pool: c.Pool, Class: c.Class}
	err := l.Classes.Open(ctx, c.Pool, c.Class)
	if ctx.Err() == nil && mapreduce.IsPermanent(err) && !errors.Is(err, mapreduce.ErrDeposed) {
		l.log.Error("a class of workers gets no tasks", "pool", c.Pool, "class", c.Class, "cause", err)
		opened.Trouble, err = err.Error(), nil
	}
	return []mapreduce.Event{opened}, err
}

// readClock compares clocks: what has ended is removed by the date.
func (l *leader) readClock(ctx context.Context) ([]mapreduce.Event, error) {
	at, err := l.Queue.Clock(ctx)
	if err != nil {
		return nil, err
	}
	if ahead := l.now().Sub(at); ahead.Abs() > maxSkew {
		l.log.Warn("the clock of this machine or of the bus is wrong: nothing that has ended is removed", "ahead", ahead.Round(time.Second))
	}
	return []mapreduce.Event{mapreduce.ClockSeen{At: at}}, nil
}

// close drops a queue. It makes sure of leading first: a leader that is deposed does not know who has come since.
func (l *leader) close(ctx context.Context, c CloseQueue) error {
	if err := l.Journal.Confirm(ctx); err != nil {
		return err
	}
	l.log.Info("nobody serves a queue or needs it: it is dropped", "pool", c.Pool, "class", c.Class)
	return l.Classes.Shut(ctx, c.Pool, c.Class)
}

// note logs what is recorded.
func (l *leader) note(r mapreduce.Record) {
	switch {
	case r.Repair != nil && len(r.Repair.Tasks) == 0:
		l.log.Warn("other lanes are made for what is still to be published", "job", r.Job, "uid", r.UID, "phase", r.Repair.Phase,
			"partitions", r.Repair.Partitions, "generation", r.Repair.Generation)
	case r.Repair != nil:
		l.log.Warn("output was lost, its tasks run again", "job", r.Job, "uid", r.UID, "phase", r.Repair.Phase,
			"tasks", r.Repair.Tasks, "partitions", r.Repair.Partitions, "generation", r.Repair.Generation)
	case r.Quarantine != nil:
		l.log.Warn("records were left out", "job", r.Job, "uid", r.UID, "records", len(r.Quarantine.Records), "part", r.Quarantine.Part)
	case !r.Swept || r.Spec != nil: // not one that is only swept
		l.log.Info("job enters a state", "job", r.Job, "uid", r.UID, "state", r.State, "error", r.Error)
	}
}

// store carries out a command about storage.
func (l *leader) store(ctx context.Context, command Command) ([]mapreduce.Event, error) {
	switch c := command.(type) {
	case MakeLanes:
		return l.makeLanes(ctx, c.Lanes)
	case DropLanes:
		return nil, l.Storage.Drop(ctx, c.Lanes)
	case StoreRoster:
		return refused(ctx, c.Task.UID, l.Rosters.StoreRoster(ctx, c.Task, c.Chunks))
	case SweepLanes:
		return nil, l.Storage.Sweep(ctx, c.Ended)
	case MakeUpload:
		return nil, l.makeUpload(ctx, c)
	case KeepUploads:
		return refused(ctx, c.UID, each(c.Uploads, func(upload string) error { return l.Uploads.Keep(ctx, upload) }))
	case DropUploads:
		return nil, l.dropUploads(ctx, c)
	case MakeBucket:
		return refused(ctx, c.UID, l.Buckets.MakeBucket(ctx, c.UID, c.Target))
	case Link:
		return l.link(ctx, c)
	case Unlink:
		return nil, l.unlink(ctx, c)
	case Forget:
		return nil, l.Journal.Forget(ctx, c.UID, c.Whole)
	case Erase:
		return nil, l.erase(ctx, c)
	default:
		panic(fmt.Sprintf("no way to carry out %T", command))
	}
}

func (l *leader) makeLanes(ctx context.Context, lanes []mapreduce.Lane) ([]mapreduce.Event, error) {
	gone, err := l.Storage.Make(ctx, lanes)
	if err != nil || len(gone) == 0 {
		return refused(ctx, lanes[0].UID, err)
	}
	l.log.Warn("lanes are out of reach", "job", lanes[0].UID, "lanes", len(gone), "first", gone[0])
	return []mapreduce.Event{mapreduce.LanesGone{Lanes: gone}}, nil
}

// dropUploads makes sure of leading first: a leader that is deposed does not know of the jobs that need them.
func (l *leader) dropUploads(ctx context.Context, c DropUploads) error {
	if err := l.Journal.Confirm(ctx); err != nil {
		return err
	}
	return each(c.Uploads, func(upload string) error { return l.Uploads.Drop(ctx, upload) })
}

// erase makes sure of leading first: a leader that is deposed does not know of what others remember.
func (l *leader) erase(ctx context.Context, c Erase) error {
	if err := l.Journal.Confirm(ctx); err != nil {
		return err
	}
	return l.Journal.Erase(ctx, c.UID)
}

func each(names []string, do func(name string) error) error {
	for _, name := range names {
		if err := do(name); err != nil {
			return err
		}
	}
	return nil
}

// link gives a result its name. That a user's object stands there is that job's trouble, and the leader's is only that it
// leads no more.
func (l *leader) link(ctx context.Context, c Link) ([]mapreduce.Event, error) {
	for {
		err := l.linkOnce(ctx, c)
		switch {
		case errors.Is(err, mapreduce.ErrOvertaken): // by a user, if this leader still leads
			if err := pause(ctx, 50*time.Millisecond); err != nil {
				return nil, err
			}
		case mapreduce.IsPermanent(err) && !errors.Is(err, mapreduce.ErrDeposed):
			return []mapreduce.Event{mapreduce.Linked{UID: c.UID, Trouble: err.Error()}}, nil
		case err != nil:
			return nil, err
		default:
			return []mapreduce.Event{mapreduce.Linked{UID: c.UID}}, nil
		}
	}
}

// unlink takes a result away. What a user's bucket will not do for good, is left there.
func (l *leader) unlink(ctx context.Context, c Unlink) error {
	err := l.Links.Unlink(ctx, c.Job, c.UID, c.Target)
	if mapreduce.IsPermanent(err) && !errors.Is(err, mapreduce.ErrDeposed) {
		l.log.Warn("a result is left where it is", "job", c.Job, "uid", c.UID, "cause", err)
		return nil
	}
	return err
}

// pause waits, or returns ctx's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// linkOnce puts a fenced write between reading the link's version and writing it: a leader that was deposed before that
// write stops there, and one that is deposed after it finds another version as soon as its successor has changed anything.
func (l *leader) linkOnce(ctx context.Context, c Link) error {
	version, err := l.Links.Last(ctx, c.Target, c.Job)
	if err != nil {
		return err
	}
	if err := l.Journal.Confirm(ctx); err != nil {
		return err
	}
	return l.Links.Link(ctx, c.Job, c.UID, c.Target, version)
}

// makeUpload answers for itself: that there is no room is the asker's trouble.
func (l *leader) makeUpload(ctx context.Context, c MakeUpload) error {
	answer := mapreduce.Answer{Upload: c.Upload}
	if err := l.Uploads.Make(ctx, c.Upload); err != nil {
		if !mapreduce.IsPermanent(err) {
			return err
		}
		answer = mapreduce.Answer{Error: err.Error()}
	}
	return l.answer(ctx, Answer{Reply: c.Reply, Answer: answer})
}

// answer answers a request, as one that leads.
func (l *leader) answer(ctx context.Context, c Answer) error {
	if !c.View && !l.confirmed {
		if err := l.Journal.Confirm(ctx); err != nil {
			return err
		}
	}
	l.say(c)
	return nil
}

func (l *leader) enqueue(ctx context.Context, tasks []mapreduce.Task) ([]mapreduce.Event, error) {
	seqs, err := l.Queue.Publish(ctx, tasks)
	if err != nil {
		return refused(ctx, tasks[0].ID.UID, err)
	}
	events := make([]mapreduce.Event, len(tasks))
	for i, task := range tasks {
		events[i] = mapreduce.TaskQueued{Task: task.ID, Round: task.Round, Seq: seqs[i]}
	}
	return events, nil
}

func (l *leader) say(command Command) {
	var err error
	switch c := command.(type) {
	case Tell:
		l.noteIdle(c.Status)
		err = l.Herald.Tell(c.Status)
	case Answer:
		err = l.Herald.Answer(c.Reply, c.Answer)
	case Dismiss:
		err = l.Herald.Dismiss(c.Over)
	case Reject:
		l.log.Warn("submission rejected", "job", c.Job, "seq", c.Seq, "reason", c.Reason)
		err = l.Inbox.Reject(c.Job, c.Seq, c.Reason)
	}
	if err != nil {
		l.log.Warn("nobody was told", "cause", err)
	}
}

// noteIdle logs, once, that nobody works on a job.
func (l *leader) noteIdle(s mapreduce.Status) {
	switch {
	case !s.Idle:
		delete(l.idle, s.UID)
	case !l.idle[s.UID]:
		l.idle[s.UID] = true
		l.log.Warn("job waits", "job", s.ID, "uid", s.UID, "state", s.State, "for", s.Waiting)
	}
}

// refused turns what the bus will not do for one job into that job's own trouble; all else ends the leadership.
func refused(ctx context.Context, uid mapreduce.UID, err error) ([]mapreduce.Event, error) {
	if ctx.Err() == nil && mapreduce.IsPermanent(err) && !errors.Is(err, mapreduce.ErrDeposed) {
		return []mapreduce.Event{mapreduce.Refused{UID: uid, Reason: err.Error()}}, nil
	}
	return nil, err
}
