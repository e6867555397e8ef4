package client

import (
	"context"
	"fmt"
	"time"

	"jetreduce/mapreduce"
)

const (
	// askEvery is how long a client is content with hearing nothing: what is said may be lost, what is asked is answered.
	askEvery = time.Second
	// troubledFor is how many questions in a row must meet the same trouble until it is told.
	troubledFor = 2
	// unknownFor is how many answers in a row must know no such job: a leader that was paused, and has not found out yet
	// that another leads, answers from what it knew.
	unknownFor = 2
)

// Watch waits until a job that was submitted ends; a retry of it too. A job that nobody knows, or that is removed before
// its end was seen, is mapreduce.ErrUnknownJob.
func Watch(ctx context.Context, desk Desk, job mapreduce.JobID, view View) (mapreduce.Status, error) {
	w := newWatch(desk, job, view)
	stop, err := desk.Listen(job, w.tell, func(uint64, string) {})
	if err != nil {
		return mapreduce.Status{}, err
	}
	defer stop()
	status, err := desk.Ask(ctx, job)
	switch {
	case mapreduce.IsPermanent(err): // all else passes when somebody leads again
		return mapreduce.Status{}, err
	case err == nil && status == nil:
		return mapreduce.Status{}, w.unknown()
	}
	return w.wait(ctx, status)
}

// watch is a client that waits for one job.
type watch struct {
	desk     Desk
	job      mapreduce.JobID
	spec     string // the digest of what was submitted; "": whatever the job is
	view     View
	heard    chan mapreduce.Status // the latest; older ones are dropped
	rejected chan rejection

	seq     uint64          // of the submission, where it was stored for a leader to come; else 0
	uid     mapreduce.UID   // of the submission that is followed; "": none was seen yet
	epoch   mapreduce.Epoch // the latest whose leader was believed
	missing int             // answers in a row that knew no such job

	trouble string
	lasts   int  // questions in a row that met it
	told    bool // about this trouble
}

type rejection struct {
	seq    uint64
	reason string
}

func newWatch(desk Desk, job mapreduce.JobID, view View) *watch {
	return &watch{desk: desk, job: job, view: view, heard: make(chan mapreduce.Status, 1), rejected: make(chan rejection, 8)}
}

func (w *watch) tell(status mapreduce.Status) {
	select {
	case <-w.heard:
	default:
	}
	select {
	case w.heard <- status:
	default: // another has just come
	}
}

func (w *watch) reject(seq uint64, reason string) {
	select {
	case w.rejected <- rejection{seq, reason}:
	default: // eight rejections of one id at a time: the job is asked for instead
	}
}

// news is where the job stands, as somebody says; without a status it is none.
type news struct {
	status *mapreduce.Status
	asked  bool // it is the answer to a question: what is told may be an echo of what was
}

// wait waits for the end. It begins with where the job stands, if that is known.
func (w *watch) wait(ctx context.Context, status *mapreduce.Status) (mapreduce.Status, error) {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	latest := news{status, true}
	for {
		if latest.status != nil {
			if over, err := w.see(latest); over || err != nil {
				return *latest.status, err
			}
		}
		var err error
		if latest, err = w.next(ctx, ticker.C); err != nil {
			return mapreduce.Status{}, err
		}
	}
}

// next waits for news.
func (w *watch) next(ctx context.Context, due <-chan time.Time) (news, error) {
	select {
	case <-ctx.Done():
		return news{}, context.Cause(ctx)
	case r := <-w.rejected:
		if r.seq == w.seq {
			return news{}, Rejected{w.job, r.reason}
		}
		return news{}, nil
	case status := <-w.heard:
		if status.UID != w.uid { // to be believed it must be an answer, and there is no reason to wait for the next question
			return w.ask(ctx)
		}
		return news{status: &status}, nil
	case <-due:
		return w.ask(ctx)
	}
}

// ask asks where the job stands; no answer now: the next tick asks again.
func (w *watch) ask(ctx context.Context) (news, error) {
	status, err := w.desk.Ask(ctx, w.job)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		w.meet(err.Error())
	case status == nil:
		w.meet("")
		return news{}, w.miss()
	case status.Idle:
		w.meet(status.Waiting)
	default:
		w.meet("")
	}
	return news{status, true}, nil
}

// miss takes in that no such job is known. One that is stored will be taken up, and is waited for.
func (w *watch) miss() error {
	w.missing++
	if w.missing < unknownFor || w.uid == "" && w.seq > 0 {
		return nil
	}
	return w.unknown()
}

// unknown is the error of a job that nobody knows, or knows any more.
func (w *watch) unknown() error {
	if w.uid == "" {
		return fmt.Errorf("%w %q", mapreduce.ErrUnknownJob, w.job)
	}
	return fmt.Errorf("job %s was removed: %w %q any more", w.job, mapreduce.ErrUnknownJob, w.job)
}

// meet notes what a question met, and tells of a trouble that lasts.
func (w *watch) meet(trouble string) {
	if trouble != w.trouble {
		w.trouble, w.lasts, w.told = trouble, 0, false
	}
	if w.lasts++; trouble != "" && w.lasts >= troubledFor && !w.told && w.view.Trouble != nil {
		w.told = true
		w.view.Trouble(trouble)
	}
}

// see takes in where the job stands, and reports whether it has ended.
func (w *watch) see(latest news) (over bool, err error) {
	status := *latest.status
	if !w.believes(status, latest.asked) {
		return false, nil
	}
	if w.spec != "" && status.Spec != w.spec {
		if w.uid != "" {
			return false, w.unknown() // ours was there, and another has its id now
		}
		// Its end is not ours, and ours will be rejected, whether or not we hear of it.
		return false, Rejected{w.job, "another job has this id: use another id"}
	}
	w.uid, w.epoch, w.missing = status.UID, max(w.epoch, status.Epoch), 0
	if w.view.Seen != nil {
		w.view.Seen(status)
	}
	return status.State.Final(), nil
}

// believes reports whether a status is of the submission that is followed, or of one that has taken its place: a retry has
// a uid of its own. That a place was taken counts as an answer only, and not from a leader that others have followed:
// what is told may be about a job that had this id before, and has ended.
func (w *watch) believes(status mapreduce.Status, asked bool) bool {
	return status.UID == w.uid || asked && status.Epoch >= w.epoch
}
