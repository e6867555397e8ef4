// Package simulation runs whole clusters in virtual time, from a seed: the real coordinator.State, and a model of
// everything around it (bus, workers, programs, clients) that loses, delays, doubles and reorders what it may, and
// crashes or pauses whoever it likes.
//
//	seed ─▶ chaos, jobs ─▶ events in virtual time ─▶ State.Step ─▶ commands ─▶ model bus ─▶ workers ─▶ commits ─▶ …
//	                                  every step is checked against what the design promises
//
// A run is a function of its Config: no goroutine, no clock, no order of a Go map. So a violation that one seed finds is
// found again with that seed, as often as it takes to understand it.
//
// What it does not show: that the real bus behaves as the model does. Where the model had to choose, it is at least as
// unkind as JetStream: an acknowledgement settles a message whoever holds it, a late one too.
package simulation
