package examples_test

import (
	"testing"

	"go.uber.org/goleak"

	"jetreduce"
	"jetreduce/internal/processtest"
)

// TestMain makes this test binary the jetreduce command, in the processes that the examples start.
func TestMain(m *testing.M) {
	processtest.Main(func() { jetreduce.Main() })
	goleak.VerifyTestMain(m)
}
