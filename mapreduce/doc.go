// Package mapreduce is the vocabulary that every room of jetreduce speaks: jobs, tasks, attempts, splits, runs, commits
// and the events that tell of them.
//
// It imports the standard library only and does nothing by itself: no I/O, no clock, no goroutine. What crosses a room's
// border is one of these values, so that the coordinator need not know the worker, and neither needs to know NATS.
//
// One word has one meaning. A job is the whole. A task is one of its parts, an attempt one execution of a task. A split
// is one of the M pieces of the input, a partition one of the R pieces of the key space, a run a sorted piece of map
// output. An epoch is one leadership, a generation one round of a task whose output was lost. Terms are those of the
// MapReduce paper (Dean and Ghemawat, OSDI 2004) where it has one.
package mapreduce
