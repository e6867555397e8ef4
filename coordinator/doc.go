// Package coordinator decides: which task runs next, when a phase is over, when a job has failed.
//
// It is a pure state machine, State.Step(now, event) → commands, and a loop, Lead, that feeds it and carries its commands
// out. Step does no I/O, reads no clock and draws no random number, so that whole clusters can be simulated from a seed
// (package simulation).
//
//	queued ─▶ planning ─▶ mapping ─▶ reducing ─▶ finishing ─▶ done
//	   └─────────┴───────────┴───────────┴────────────┴─────▶ failed, cancelled
//
// Why it is safe. Output counts only through commit records, which workers create and the first writer wins; the
// coordinator only reads them. Each entry into a state is a record, written under the leader's epoch before anything is
// done about it, so that a deposed leader does nothing more. What a leader forgets by dying, the next one reads from the
// records; what no record tells (the queue) is a hint and is made again. How a job ends is one record, created once.
//
// Two commands need no fence. WriteEnd is fenced by itself: the end is created once, and whoever comes second reads it. And
// what an ended job owned is withdrawn and dropped before that is recorded, since its end stands for every leader: a crash
// in between leaves nothing behind.
//
// What it does not promise: that an attempt runs only once. It promises that one counts.
package coordinator
