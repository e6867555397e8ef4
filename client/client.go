// Package client submits jobs and waits for them: what the commands and Go users call.
//
// A job needs its client for nothing once it is submitted; a client that goes away loses only its view. It promises that
// Run returns the state in which the job ended, whatever was lost on the way; it does not promise to see every step.
package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"jetreduce/mapreduce"
)

// Desk is where jobs are submitted and asked for.
type Desk interface {
	// Submit stores a job durably and returns its sequence; it is not taken up yet.
	Submit(ctx context.Context, job mapreduce.Job) (seq uint64, err error)
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

// askEvery is how long a client is content with hearing nothing: what is said may be lost, what is asked is answered.
const askEvery = time.Second

// Run submits a job, which must have an id, and waits until it ends. Each status on the way is handed to seen, on the
// caller's goroutine.
func Run(ctx context.Context, desk Desk, job mapreduce.Job, seen func(mapreduce.Status)) (mapreduce.Status, error) {
	if err := job.Validate(); err != nil {
		return mapreduce.Status{}, err
	}
	w := watch{desk: desk, job: job.ID, spec: job.Digest(), heard: make(chan mapreduce.Status, 1), rejected: make(chan rejection, 8)}
	stop, err := desk.Listen(job.ID, w.tell, w.reject) // before it is submitted, so that nothing is missed
	if err != nil {
		return mapreduce.Status{}, err
	}
	defer stop()
	seq, err := desk.Submit(ctx, job)
	if err != nil {
		return mapreduce.Status{}, fmt.Errorf("submit job %s: %w", job.ID, err)
	}
	return w.wait(ctx, seq, seen)
}

// watch is a client that waits for one job.
type watch struct {
	desk     Desk
	job      mapreduce.JobID
	spec     string                // the digest of what was submitted
	heard    chan mapreduce.Status // the latest; older ones are dropped
	rejected chan rejection
}

type rejection struct {
	seq    uint64
	reason string
}

func (w *watch) tell(status mapreduce.Status) {
	select {
	case <-w.heard:
	default:
	}
	w.heard <- status // the only sender: there is room
}

func (w *watch) reject(seq uint64, reason string) {
	select {
	case w.rejected <- rejection{seq, reason}:
	default: // eight rejections of one id at a time: the job is asked for instead
	}
}

func (w *watch) wait(ctx context.Context, seq uint64, seen func(mapreduce.Status)) (mapreduce.Status, error) {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		var status *mapreduce.Status
		select {
		case <-ctx.Done():
			return mapreduce.Status{}, context.Cause(ctx)
		case r := <-w.rejected:
			if r.seq == seq {
				return mapreduce.Status{}, Rejected{w.job, r.reason}
			}
			continue
		case heard := <-w.heard:
			status = &heard
		case <-ticker.C:
			status, _ = w.desk.Ask(ctx, w.job) // no answer now: the next tick asks again
		}
		if status == nil {
			continue
		}
		if status.Spec != w.spec { // its end is not ours, and ours will be rejected, whether or not we hear of it
			return mapreduce.Status{}, Rejected{w.job, "another job has this id: use another id"}
		}
		seen(*status)
		if status.State.Final() {
			return *status, nil
		}
	}
}
