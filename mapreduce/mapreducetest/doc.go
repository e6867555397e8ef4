// Package mapreducetest runs a program over a few strings, in a unit test, as a cluster would over terabytes.
//
//	got := mapreducetest.Run(t, wordcount, mapreducetest.Config{Inputs: map[string]string{"a.txt": "the fox the"}})
//	// got.Rows is {{"fox", "1"}, {"the", "2"}}
//
// It promises that what passes does not hang on how a job is cut: the program runs through the real sort and merge, in so little memory
// that it spills, and then again in other splits, batches and partitions, and without its combiner; when the answers differ, the test
// fails and shows both. So it finds combiners that are not associative, mappers that count on where a split begins, reducers that keep
// what was theirs during a call only, partitioners that part what belongs together. A program that fails or panics is reported with the
// input and the offset of the record.
//
// It starts no process and needs no bus; so it does not find what only those show, such as a file that one machine lacks.
package mapreducetest
