// Package worker runs attempts: it pulls a task for each slot that is free, or will be in a moment, does it, commits what came
// out, and only then settles the delivery. While a task is committed and settled, its slot does the next one.
//
//	pull ─▶ plan | map | reduce | finish ─▶ commit (first writer wins) ─▶ ack
//	          │                                │
//	          └─ failed: record it, then ack   └─ another attempt was first: discard
//
// Why it is safe. Before the commit an attempt changes nothing that anybody reads: its runs carry its name, and readers
// take the committed attempts' only. So a worker may die, stall or come late at any point between pull, publish, commit
// and ack; the queue delivers the task again, and a late commit loses. After the commit nothing that it does matters.
//
// It does not decide what runs, and does not know whether a job still lives.
package worker
