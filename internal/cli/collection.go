package cli

import (
	"os"
	"runtime"
	"runtime/debug"
)

// firstCollection is how large this process may become before its garbage is first collected. The smallest job, its server
// included, ends before that; collecting at 4 MB, and again soon after, took a quarter of its processor time.
const firstCollection = 48 << 20

// postponeCollection leaves garbage alone until the process is of some size; then it is collected as always, and the channel is
// closed. Who has set GOGC or GOMEMLIMIT means it: nothing changes, and there is no channel.
func postponeCollection() (usual <-chan struct{}) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(firstCollection)
	done := make(chan struct{})
	restore := func(struct{}) {
		debug.SetGCPercent(percent)
		if debug.SetMemoryLimit(-1) == firstCollection { // else a job's bound stands there
			debug.SetMemoryLimit(limit)
		}
		close(done)
	}
	runtime.AddCleanup(new([64]byte), restore, struct{}{}) // runs after the first collection; what is smaller shares its block with others
	return done
}

// What this process needs beside a job's memory bound: the server, windows of messages on their way, buffers of each slot.
const (
	ownMemory     = 96 << 20
	ownSlotMemory = 16 << 20
)

// keepWithin has garbage collected before it takes the process far past a job's memory bound: left alone, it may grow to the size of what
// lives. What lives is not bounded by this.
func keepWithin(bound int64, slots int) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	limit := bound + ownMemory + int64(slots)*ownSlotMemory
	if debug.SetMemoryLimit(-1) != firstCollection {
		debug.SetMemoryLimit(limit)
		return
	}
	runtime.AddCleanup(new([64]byte), func(limit int64) { debug.SetMemoryLimit(limit) }, limit) // when the first collection is over
}
