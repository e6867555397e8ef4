package coordinator_test

import (
	"errors"
	"testing"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// What follows from a job's program is recorded with it; a job that no worker could run is refused at once.
func TestJobIsCompletedBeforeItIsRecorded(t *testing.T) {
	complete := func(job mapreduce.Job) (mapreduce.Job, error) {
		if job.Program == "unknown" {
			return job, errors.New("unknown program")
		}
		job.MapOnly = true
		return job, nil
	}
	s := leading(t, coordinator.Config{Complete: complete})
	job := count()
	job.Reduces = 0
	s.on(submitted(1, job), `
		record queued
		record planning
		tell u1 planning
		enqueue plan.0
		accept 1`)
	job.MapOnly = true
	s.on(mapreduce.Submitted{UID: "u2", Job: job, Reply: "r"}, `
		tell u1 planning
		answer r: planning`)
	job.ID, job.Program = "other", "unknown"
	s.on(mapreduce.Submitted{UID: "u3", Job: job, Reply: "r"}, `answer r: unknown program`)
}
