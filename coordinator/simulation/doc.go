// Package simulation runs whole clusters in virtual time, from a seed: the real coordinator.State, and a model of
// everything around it (bus, workers, programs, clients) that loses, delays, doubles and reorders what it may, and
// crashes or pauses whoever it likes.
//
//	seed ─▶ chaos, jobs ─▶ events in virtual time ─▶ State.Step ─▶ commands ─▶ model bus ─▶ workers ─▶ commits ─▶ …
//	                                  every step is checked against what the design promises
//
// What may go wrong (Chaos): messages, answers and heartbeats are lost, late, doubled and disordered; state records are written
// twice; replicas are behind; workers, leaders and standbys die, are paused, and go on while others lead; leases expire under
// leaders that live; runs and lanes vanish, or go away with their server and come back; what is to be made again cannot be;
// links are not answered, or refused; inputs are on some workers only; records cannot be mapped; programs are not
// deterministic; users cancel, retry, remove and submit again whenever they like.
//
// What holds at every step, and where that is checked:
//
//   - A job ends, and nothing is left of it that nobody needs: audit, three minutes after the chaos at the latest.
//   - A task commits once a generation: checkCommit.
//   - A state is entered when all tasks before it are committed, so that no reduce function sees a key before: checkPhases.
//     Readers are given the committed attempts of all tasks, on all lanes that feed them: checkRoster, checkReadable.
//   - The output is what a sequential run makes, without the records that may be left out: checkEnd, checkOutput, checkFinal.
//     Which those are, is said by whoever is asked, for as long as the job is known: checkQuarantine.
//   - How a job ends is decided once, and only what is decided to be done is published: checkEnd, checkOutput, checkLink.
//   - Of two leaders never both get a write accepted: checkFence.
//   - What is lost is made again, once, and nothing else; lanes move only when they are out of
//     reach and somebody is to publish on them, and not without end: checkRepair, checkMove, checkAwaited.
//   - Nobody's work is queued who holds it and says so; the window is kept; copies are few, for others, and called off: checkEnqueue, checkCopies.
//   - Tasks go to the pool of their job, and no task is queued before one of a job there with a higher priority: checkTurn. A queue is
//     dropped only when no job needs it: openOrClose.
//   - What has ended is kept for as long as it should be, and erased only when no attempt can decide for it any more: checkRemoved,
//     checkErase.
//   - What users are told is true: checkAnswer, checkStatus. A submission is one job: checkTakenUp, checkAccepted.
//   - Attempts are bounded, as checkAttempts counts them: each task once a leadership; two for each message lost or delivered
//     again and for each attempt that failed; one for each message withdrawn and each copy; three for each record that came
//     late; and slots and one for each worker that crashed or fell silent.
//
// That these checks are worth something is shown by the tests: they plant bugs in the model (Bug), and build the coordinator
// itself with one line wrong, in some fifty ways. Each is found.
//
// A run is a function of its Config: no goroutine, no clock, no order of a Go map. So a violation that one seed finds is
// found again with that seed, as often as it takes to understand it.
//
// What it does not show: that the real bus behaves as the model does. Where the model had to choose, it is at least as
// unkind as JetStream: an acknowledgement settles a message whoever holds it, a late one too. Three things it takes for
// granted: that Forget leaves the end of a removed job standing; that a message which workers leave to others, time and
// again, is taken out of the queue in the end; and that nothing happens between a leader's making sure that it leads and its
// answer, or its dropping of an upload. Where removed jobs are erased, what a leader or an attempt still does for one after that is litter,
// and no longer looked for.
package simulation
