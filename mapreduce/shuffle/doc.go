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
// Keys are in the order of their bytes, grouped by equality and partitioned by hash, unless a Keying says otherwise.
//
// Memory is bounded by configuration, not by the data: a key may have any number of values, and no record is refused for
// its size. One that is larger than the bound takes a few times itself: in a Sorter it is there once, a second time on its
// way out of a spill (while it is gathered, up to twice), and once more with a combiner; in a Merge once (likewise), and its
// key a second time. A Sorter merges the fewer spills at a time the larger the records in them are, two at least. A Merge has
// one record of each run that it reads at the moment, whatever its size.
//
// A Writer makes a run of what is sorted already.
//
// It does no networking and starts no goroutine: encoded chunks go to a function and come from whoever has them.
// What is not all there, or not what was written, is mapreduce.ErrRunsLost, never a shorter answer.
//
// Sorting and partitioning follow the MapReduce paper (Dean and Ghemawat, OSDI 2004), sections 4.1 and 4.2, the
// combiner 4.3.
package shuffle
