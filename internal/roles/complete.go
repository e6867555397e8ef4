package roles

import (
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/programs"
)

// Complete completes jobs by their programs, and refuses what no worker could ever write, before any work is done for it.
func Complete(set programs.Set) func(mapreduce.Job) (mapreduce.Job, error) {
	return func(job mapreduce.Job) (mapreduce.Job, error) {
		if _, err := output.ParseFormat(job.Output.Format); err != nil {
			return job, err
		}
		if _, err := output.ParseOrder(job.Output.Order); err != nil {
			return job, err
		}
		return set.Complete(job)
	}
}
