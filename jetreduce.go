// Package jetreduce is MapReduce on NATS JetStream: kill anything, get the exact answer, or be told clearly why not.
//
// A program is two functions of yours. This one counts words, and the binary has every command of jetreduce:
//
//	package main
//
//	import "jetreduce"
//
//	func main() { jetreduce.Main(words.Build()) }
//
//	var words = jetreduce.Program[string, int64]{
//		Name: "mywords",
//		Doc:  "count each word",
//		Map: func(ctx context.Context, r jetreduce.Record, emit func(string, int64)) error {
//			for _, word := range strings.Fields(r.Text()) {
//				emit(word, 1)
//			}
//			return nil
//		},
//		Sum: true,
//	}
//
// Map is called for each record of the input, a line if the job says nothing else, on many machines at once. What it emits is sorted by
// key, and Reduce is called for each key with all its values. What that emits is the rows of the result, in the order of their keys. Sum is
// short for a Reduce that adds up, and a combiner, which does so on the machine where the map ran, before anything travels.
//
//	$ go build -o mywords . && ./mywords run mywords hamlet.txt
//
// The rules are few, and package mapreduce/mapreducetest finds most of what breaks them, in a unit test:
//
//   - Functions are deterministic: a task may run twice, and its answers must be the same. No clocks, no chance, no order of a Go map.
//   - A combiner is associative and commutative. Sums of floats are not; sums of cents are.
//   - What a call was handed is valid during that call: a Record, a key or a value that is a []byte, must be copied to be kept.
//   - An error ends the attempt, not the job: it is tried again, and the fourth time the job fails, with your words and the record's place.
//
// What a program can do besides, the examples show: combine, sort the values of a key, read a file that the job ships along, count, choose
// partitions. Keys are strings, bytes or whole numbers; values are anything: strings, bytes and numbers as they are, types that know how to
// marshal themselves in their own way, all others as JSON. A program that would rather see whole batches of bytes is a mapreduce.Program
// itself, which is what Build makes.
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
