// Package chaos runs jobs on real processes while it kills, pauses, stops and cuts off whatever takes part in them, and
// compares the results byte for byte with a sequential count.
//
//	seed ─▶ Plan: topology, jobs, faults and when ─▶ cluster of real processes ─▶ jobs ─▶ exact, or what was wrong
//	                                                   ▲ kill -9, pause, stop, cut; start again
//
// A seed decides the plan and nothing else. How processes come to run beside each other the machine decides, so the same
// seed again is the same schedule in about the same places: a failure that hangs on a moment may take some repetitions.
//
// A run is exact when every job is done, its output is that of a sequential run, every command has exited as it should,
// no process has ended that was not told to, and nothing is left over: no stream of an ended job, no draft beside an
// output, no file in the scratch directory.
//
// Besides that it measures how long the system stands still when something dies, and what its state and its adapter cost when nothing
// does.
package chaos
