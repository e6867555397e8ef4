package simulation

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests; or, in a binary that was built from a broken core, the hunt for what is broken.
func TestMain(m *testing.M) {
	if weather, hunting := os.LookupEnv(huntEnv); hunting {
		os.Exit(hunt(weather))
	}
	goleak.VerifyTestMain(m)
}
