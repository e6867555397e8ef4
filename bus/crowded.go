package bus

import (
	"context"
	"fmt"

	"jetreduce/mapreduce"
)

// nobody is why nobody answers: none leads, or none can, since the bus takes no writes.
func (b *Bus) nobody(ctx context.Context) error {
	if err := b.knock(ctx); full(err) { // who may not write learns only that nobody answers
		return crowded{err, b.names.stream("RUNS_") + "…, " + b.names.stream("PARTS_") + "…"}
	}
	return mapreduce.ErrNoLeader
}

// crowded: nobody leads, since the bus has no room left.
type crowded struct {
	error
	runs string // how streams of runs are called
}

func (c crowded) Error() string {
	return fmt.Sprintf("%v (%v), so that no coordinator can lead: free disk space there, or remove streams that nobody needs, "+
		"as inputs that clients carried (`jetreduce uploads`, `jetreduce uploads rm ID`) or others (`nats stream ls`, `nats stream rm NAME`); "+
		"what waits goes on then. If a job is too large for it: stop the workers, remove the runs of that job (%s), and cancel it",
		mapreduce.ErrNoRoom, c.error, c.runs)
}

func (c crowded) Is(target error) bool {
	return target == mapreduce.ErrNoLeader || target == mapreduce.ErrNoRoom
}
