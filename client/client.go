// Package client submits jobs and waits for them: what the commands and Go users call.
//
// A job needs its client for nothing once it is submitted; a client that goes away loses only its view. It promises that
// Run returns the state in which the job ended, whatever was lost on the way; it does not promise to see every step.
package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"jetreduce/mapreduce"
)

// Desk is where jobs are submitted and asked for.
type Desk interface {
	// Submit hands a job to the leader and returns where it stands then, or stores it durably until somebody leads and
	// returns its sequence instead. A permanent error is the leader's refusal.
	Submit(ctx context.Context, job mapreduce.Job) (taken *mapreduce.Status, seq uint64, err error)
	// Ask asks where a job stands; nil: there is no such job.
	Ask(ctx context.Context, job mapreduce.JobID) (*mapreduce.Status, error)
	// Listen calls back, on one goroutine, until stop is called.
	Listen(job mapreduce.JobID, tell func(mapreduce.Status), reject func(seq uint64, reason string)) (stop func(), err error)
}

// NewID makes an id for a job that was given none, after its program where that may stand in an id.
func NewID(program string) mapreduce.JobID {
	random := "-" + strings.ToLower(rand.Text()[:8])
	if id := mapreduce.JobID(program + random); id.Valid() {
		return id
	}
	return mapreduce.JobID("job" + random)
}

// Rejected is the error of a submission that was not taken up.
type Rejected struct {
	Job    mapreduce.JobID
	Reason string
}

func (r Rejected) Error() string { return fmt.Sprintf("job %s was not taken up: %s", r.Job, r.Reason) }

// View is what a client is shown while it waits, on its own goroutine. Fields may be nil.
type View struct {
	Seen    func(mapreduce.Status)
	Trouble func(reason string) // why the job does not go on: nobody leads, nobody works; told once, when it lasts
}

// Submit submits a job, which must have an id, and waits until a leader has taken it up: it returns where the job stands
// then. When nobody leads it returns mapreduce.ErrNoLeader: the job is stored, and is taken up when somebody does.
func Submit(ctx context.Context, desk Desk, job mapreduce.Job) (mapreduce.Status, error) {
	ctx, enough := context.WithCancelCause(ctx)
	defer enough(nil)
	var taken mapreduce.Status
	_, err := Run(ctx, desk, job, View{
		Seen: func(status mapreduce.Status) {
			taken = status
			enough(errTaken)
		},
		Trouble: func(string) { enough(mapreduce.ErrNoLeader) },
	})
	if taken.UID != "" {
		return taken, nil
	}
	return taken, err
}

var errTaken = errors.New("taken up")

// Run submits a job, which must have an id, and waits until it ends. A job that was retried meanwhile is the same job. One
// that was removed before its end was seen is mapreduce.ErrUnknownJob.
func Run(ctx context.Context, desk Desk, job mapreduce.Job, view View) (mapreduce.Status, error) {
	if err := job.Validate(); err != nil {
		return mapreduce.Status{}, err
	}
	w := newWatch(desk, job.ID, view)
	w.spec = job.Digest()
	stop, err := desk.Listen(job.ID, w.tell, w.reject) // before it is submitted, so that nothing is missed
	if err != nil {
		return mapreduce.Status{}, err
	}
	defer stop()
	taken, seq, err := desk.Submit(ctx, job)
	switch {
	case mapreduce.IsPermanent(err) && !errors.Is(err, mapreduce.ErrDenied): // that is not the leader's word
		return mapreduce.Status{}, Rejected{job.ID, err.Error()}
	case err != nil:
		return mapreduce.Status{}, fmt.Errorf("submit job %s: %w", job.ID, err)
	}
	w.seq = seq
	return w.wait(ctx, taken)
}
