// Package bus carries: it is the only room that knows NATS. It implements the ports of the other rooms in terms of
// streams, buckets and subjects, names all of them (names.go), and hosts the embedded server (host.go).
//
// It promises what the ports promise, no more: a write that returned without an error is in the stream; a refusal is
// told apart from silence; silence is asked again until the caller's context ends. It decides nothing and keeps no state
// of its own that matters: two processes may use one bus, and a process may be killed at any point.
package bus
