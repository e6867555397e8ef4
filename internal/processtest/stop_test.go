package processtest_test

import (
	"testing"

	"jetreduce/internal/processtest"
)

// Promise: a leader that is told to stop gives the lease back also when it hosts the bus, which ends with it: the next one
// does not wait until it is silent.
func TestStoppedHostGivesTheLeaseBack(t *testing.T) {
	const stops = 5
	c := newCluster(t, true, 1)
	leader := c.leader()
	for range stops {
		next := c.Backup()
		next.Await("stands by")
		mark := c.Mark()
		leader.Stop()
		c.Await(mark, processtest.Said{Message: "lease released", By: leader})
		c.Await(mark, processtest.Said{Message: "takes over", By: next, Fields: map[string]string{"released": "true"}})
		c.Await(mark, processtest.Said{Message: "decides", By: next})
		leader = next
	}
}
