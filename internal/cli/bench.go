package cli

import "github.com/spf13/cobra"
import "jetreduce/mapreduce/programs"

func newBench(terminal Terminal, set programs.Set) *cobra.Command {
	return &cobra.Command{Use: "bench"}
}
