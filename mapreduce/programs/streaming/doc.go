// Package streaming runs a job's commands: it makes a program of executables that read and write lines, as Hadoop Streaming does.
//
//	batch ─▶ feeder ─▶ stdin ┃ sh -c map ┃ stdout ─▶ pump ─▶ lines ─▶ Emit(key, value)
//	                         ┃           ┃ stderr ─▶ counters, status, log, last words
//
// It owns the contract of docs/streaming.md: what a command reads, what its lines mean, what its end says. Bytes are kept as they are. An
// attempt counts only if its commands end with status 0; what they have written until then is passed on as it comes, since what an attempt
// emits means nothing before its commit.
//
// It promises that no process outlives its attempt: each runs in a process group of its own, which is told to end and then killed; on
// Linux the kernel kills the shell when the worker dies. It emits only from the goroutine that calls it, keeps a bounded part of what
// passes through (but for a line, see Config.MaxLine), and hands over a batch without copying it.
//
// It does not confine commands: they may do whatever the worker's user may. They are not given the worker's own settings, JETREDUCE_*
// and NATS_*, among which credentials are. A process that leaves its group is not found again; one that a shell has started outlives a
// worker killed with -9 until it notices that nobody reads its output.
package streaming
