//go:build !race

package mapreduce_test

import "math"

// mostChunks is how many chunks one job of the exactness matrix may have before it is skipped: all run.
const mostChunks = math.MaxInt
