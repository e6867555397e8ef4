// Package coordinator decides: which task runs next, when a phase is over, when a job has failed.
//
// It is a pure state machine, State.Step(now, event) → commands, and a Replica that feeds it: following, while another leads,
// and then leading, which is to carry its commands out. Step does no I/O, reads no clock and draws no random number, so that
// whole clusters can be simulated from a seed (package simulation), and measured at any size (package scale).
//
//	queued ─▶ planning ─▶ mapping ─▶ reducing ─▶ finishing ─▶ done
//	   └─────────┴───────────┴───────────┴────────────┴─────▶ failed, cancelled
//
// Why it is safe. Output counts only through commit records, which workers create and the first writer wins; the
// coordinator only reads them. Each entry into a state is a record, written under the leader's epoch before anything is
// done about it, so that a deposed leader does nothing more. What a leader forgets by dying, the next one reads from the
// records; what no record tells (the queue) is a hint and is made again. How a job ends is one record, created once.
//
// Only state records are fenced. The other effects are safe when a deposed leader still has them: WriteEnd and WriteFailure
// create what is created once; Enqueue, HandOn and Withdraw touch the queue, which is a hint; MakeLanes makes what is there or
// what nobody will read, and is swept later; DropLanes, DropUploads, Forget, SweepLanes and Dismiss name only what a record
// says has ended; KeepUploads changes nothing but expiry; Link and Unlink are conditional on a version that was read before
// a fenced write; what is told or answered may be old, and says of which epoch it is.
//
// What it does not promise: that an attempt runs only once. It promises that one counts.
package coordinator
