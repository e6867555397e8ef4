// Package scale measures the decisions of one coordinator at a size that no test cluster has: the real coordinator.State
// against a light model of thousands of workers and of the bus, in virtual time, for one job of up to a million splits.
//
//	seed ─▶ workers: beats, tasks, deaths ─▶ events in virtual time ─▶ State.Step, by the real clock ─▶ commands ─▶ model queue ─▶ …
//
// Run tells what each kind of event costs, what the leader commands, how many messages all of it would put on the bus, and
// the makespan in virtual time. TakeOver tells what it costs to know all of that again from the records, and to keep it.
//
// The bus of the model loses and delays nothing; only workers die, if that is asked for. What holds in worse weather is
// package simulation's to say. Time on the bus is what Bus says it is, and nothing by default: then the makespan is what
// workers and decisions allow.
package scale
