package web

import (
	"context"

	"jetreduce/mapreduce"
)

// Desk answers what the pages show. An answer that nobody leads is an error like any other; an unknown job is mapreduce.ErrUnknownJob.
type Desk interface {
	// List lists the jobs that were submitted before one, the latest first; "" is all.
	List(ctx context.Context, before mapreduce.JobID) (mapreduce.JobList, error)
	Workers(ctx context.Context) ([]mapreduce.Member, error)
	Timeline(ctx context.Context, job mapreduce.JobID) (mapreduce.Timeline, error)
}

// Gauge says how the whole system is, as its leader sees it.
type Gauge interface {
	Vitals(ctx context.Context) (mapreduce.Vitals, error)
}

// Steering does to a job what a user may ask for.
type Steering interface {
	Cancel(ctx context.Context, job mapreduce.JobID) (*mapreduce.Status, error)
	Retry(ctx context.Context, job mapreduce.JobID) (*mapreduce.Status, error)
	Remove(ctx context.Context, job mapreduce.JobID) (*mapreduce.Status, error)
}

// Standing is what this process knows of itself, without asking anybody.
type Standing struct {
	Connected bool   // to the bus
	Leads     bool   // as far as it knows
	Follows   bool   // stands by, with a replica that goes on
	Takeovers int64  // how often it has begun to lead
	Why       string // it does neither, in words; may be empty
}

// Ready reports whether the process does its part, and else why not.
func (s Standing) Ready() (words string, ready bool) {
	switch {
	case !s.Connected:
		return "not connected to the bus", false
	case s.Leads:
		return "leads", true
	case s.Follows:
		return "follows", true
	case s.Why != "":
		return s.Why, false
	}
	return "neither leads nor follows yet", false
}
