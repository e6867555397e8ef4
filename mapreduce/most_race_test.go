//go:build race

package mapreduce_test

// mostChunks drops the largest jobs of the exactness matrix: the race detector makes a chunk ten times as dear, and has
// nothing to find in an engine of one goroutine. Without it, all run.
const mostChunks = 50_000
