package chaos

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"jetreduce/internal/cli"
	"jetreduce/internal/processtest"
	"jetreduce/mapreduce/programs"
)

// TestMain makes this test binary the jetreduce command in the processes that it starts, as main is.
func TestMain(m *testing.M) {
	processtest.Main(func() {
		set, err := programs.NewSet(append(programs.Builtin(), Programs()...)...)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(cli.Main(os.Args[1:], set))
	})
	goleak.VerifyTestMain(m)
}
