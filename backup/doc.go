// Package backup stands by and takes over: of all coordinators that run it, at most one leads, and when that one is gone
// another does. It makes the first election too, so that there is one way to begin to lead.
//
//	            ┌────────────────── deposed, or resigned and rested ──────────────────┐
//	            ▼                                                                     │
//	Run ──▶ stand by ── released, silent, or nobody yet ──▶ acquire ── won ──▶ lead(ctx, epoch), renewing
//	            ▲   look at the lease every 250 ms             │                      │
//	            └──────────── another was first ───────────────┘                      └─ ctx ended ──▶ release
//
// Why it is safe. Safety comes from compare-and-swap and from the server's fence, and from nothing else. An epoch is won
// by a write on the condition that the epoch before it still stands, so of several who try one wins. All that a leader
// records is written under its epoch, and the server refuses it when a later epoch stands. So two processes may well
// believe at one time that they lead (one of them was paused, or cut off): only the later can record anything, and a
// leader does nothing that it has not recorded. No clock is compared, and no lease ever expires by itself.
//
// Liveness comes from time-outs, which may therefore be wrong: a takeover too early costs a replay, never a result. To
// be seldom wrong a standby counts silence by its own monotonic clock, and only while its own writes reach the bus: a bus
// that is away, or a pause of this process, is not silence of the leader. For the same reason a leader whose renewals are
// not answered goes on leading: nobody else can take over either, and if somebody did, the fence says so.
//
// What it does not promise: that a leader learns at once that it is deposed. It learns it from the first answer it gets.
package backup
