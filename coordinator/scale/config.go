package scale

import (
	"time"

	"jetreduce/mapreduce"
)

// Config is all that a run depends on, but for the clock that it measures with; zero fields take the defaults beside them.
type Config struct {
	Seed     uint64
	Workers  int           // 1000
	Slots    int           // 2: of each worker, for maps and reduces
	Splits   int           // 100,000
	Reduces  int           // 0: the coordinator chooses
	Task     time.Duration // 1 s: what a map takes on average: half as long to half as much again
	Slow     float64       // of all attempts: ten times as long
	KillRate float64       // of all workers, so many die in a minute; others take their places
	Bus      Bus
}

// Bus is what the bus costs in virtual time.
type Bus struct {
	Trip   time.Duration // the leader waits so long for the answer to one command
	Each   time.Duration // and so much longer for each task in it
	Commit time.Duration // the stream of commits is busy with one for so long
}

// Measured is a server that brings all to disk at once, on a machine of two cores (docs/scale.md).
func Measured() Bus {
	return Bus{Trip: 405 * time.Microsecond, Each: 213 * time.Microsecond, Commit: 213 * time.Microsecond}
}

func (c Config) withDefaults() Config {
	if c.Workers == 0 {
		c.Workers = 1000
	}
	if c.Slots == 0 {
		c.Slots = 2
	}
	if c.Splits == 0 {
		c.Splits = 100_000
	}
	if c.Task == 0 {
		c.Task = time.Second
	}
	return c
}

// What the model takes from the worker and the feed.
const (
	class     mapreduce.Class = "builtin"
	beatEvery                 = 500 * time.Millisecond
	moment                    = beatEvery / 10 // a worker that has begun a task says so when its last beat is so old
	tickEvery                 = 250 * time.Millisecond
	lookEvery                 = time.Second
	replace                   = 5 * time.Second // a worker that has died has a successor
	onTheWay                  = time.Millisecond
)

// splitBytes is how much input a split has, so that the coordinator can choose R.
const splitBytes = 64 << 20

// job is the only one that there is.
func (c Config) job() mapreduce.Job {
	return mapreduce.Job{
		ID: "count", Program: "wordcount", Inputs: []string{"file:///data/in"}, Reduces: c.Reduces,
		Output: mapreduce.Target{To: "file:///data/out"},
	}
}

// uid is that of its submission.
const uid mapreduce.UID = "kq3x7w2m5r"

// plan is the commit of its plan.
func (c Config) plan(by mapreduce.Attempt) mapreduce.Commit {
	const inChunk = 4000 // splits
	summary := mapreduce.PlanSummary{Splits: c.Splits, Bytes: int64(c.Splits) * splitBytes, Inputs: 1}
	for first := 0; first < c.Splits; first += inChunk {
		summary.Firsts = append(summary.Firsts, first)
	}
	return mapreduce.Commit{
		Version: mapreduce.RecordVersion, Attempt: by, Plan: &summary, Took: time.Second,
		Task: mapreduce.TaskID{UID: uid, Phase: mapreduce.Plan, Generation: 1},
	}
}
