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
	goleak.VerifyTestMain(m)
}
