// Own is a binary with a program of its own, `mine`: a word count that waits at a gate.
package main

import (
	"slices"

	"jetreduce"
	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

func main() {
	all := programs.Builtin()
	at := slices.IndexFunc(all, func(p mapreduce.Program) bool { return p.Name == "wordcount" })
	run := func() { jetreduce.Main(processtest.Gated("mine", all[at])) }
	processtest.Main(run)
	run()
}
