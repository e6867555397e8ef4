// Package shuffle makes sorted runs and merges them: what lies between a mapper's Emit and a reducer's group.
//
//	Emit ─▶ table or buffer ─▶ sort, fold ─▶ spill ─┐                     ┌─▶ keep ─▶ spill ─┐
//	             memory full? ──▲                   ├─▶ merge ─▶ chunks ─▶┤                  ├─▶ merge ─▶ groups
//	                              rest in memory ───┘   Sorter            └── Collector ─────┘   Merge
//
// A Sorter takes the pairs of one attempt and cuts them into one sorted run for each partition. A Collector takes the
// chunks of all attempts and keeps those of committed ones; its Merge streams them in the order of key, task and
// position. The bytes of a run depend on the pairs alone: not on memory, spills, chunk size or compression. That is
// what makes two attempts of one task comparable by a digest.
//
// A Writer makes a run of what is sorted already.
//
// It does no networking and starts no goroutine: encoded chunks go to a function and come from whoever has them.
// What is not all there, or not what was written, is mapreduce.ErrRunsLost, never a shorter answer.
//
// Sorting and partitioning follow the MapReduce paper (Dean and Ghemawat, OSDI 2004), sections 4.1 and 4.2, the
// combiner 4.3.
package shuffle
