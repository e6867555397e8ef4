package bus_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes a process of the test binary a keeper of a bus when a test asks for one.
func TestMain(m *testing.M) {
	if config := os.Getenv(keeperVariable); config != "" {
		os.Exit(keep(config))
	}
	// The client's object store, which tests use as others do, leaves this behind when it has put before that has begun.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}
