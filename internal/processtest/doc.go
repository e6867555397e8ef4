// Package processtest runs the daemons and commands of jetreduce as real processes, so that tests can kill, pause and stop
// them as an operator or an accident would.
//
//	test process                         its children: the test binary again, as `jetreduce ARG...`
//	┌──────────────────────────┐
//	│ Machine ── start, signal ─┼──▶ bus, coordinator, backup, worker, any command
//	│    ▲                      │        │
//	│    └── lines of log ──────┼────────┘ standard error
//	│ client ◀──── NATS ────────┼──▶ the bus
//	│ Gate ◀── files ───────────┼──▶ program `gated`, in the workers
//	└──────────────────────────┘
//
// A test waits for what a process logs, for where a job stands, or for what a Gate has seen begin; it never waits for time.
// A Machine signals its own children only, and none outlives the test process: each holds an end of a pipe of it.
package processtest

import (
	"io"
	"os"
)

const (
	variable     = "JETREDUCE_TEST_PROCESS" // tells a child that it is one
	lifeline     = 3                        // the descriptor of the pipe that ends with the test process
	exitOrphaned = 97
)

// Main runs main, which does not return, in a process that a Machine has started; in any other it does nothing. TestMain
// begins with it.
func Main(main func()) {
	if os.Getenv(variable) == "" {
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.NewFile(lifeline, "lifeline"))
		os.Exit(exitOrphaned)
	}()
	main()
}
