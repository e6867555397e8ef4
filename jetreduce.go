// Package jetreduce is MapReduce on NATS JetStream: kill anything, get the exact answer, or be told clearly why not.
//
// A binary of your own that runs your programs beside the built-in ones is five lines:
//
//	package main
//
//	import "jetreduce"
//
//	func main() { jetreduce.Main(myProgram) }
//
// What a program is, package mapreduce says.
package jetreduce

import (
	"fmt"
	"os"
	"slices"

	"jetreduce/internal/cli"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// Main is the jetreduce command with these programs beside the built-in ones. It does not return.
func Main(own ...mapreduce.Program) {
	set, err := programs.NewSet(slices.Concat(programs.Builtin(), own)...)
	if err != nil {
		fmt.Fprintf(os.Stderr, "jetreduce: %v\n", err)
		os.Exit(1)
	}
	os.Exit(cli.Main(os.Args[1:], set))
}
