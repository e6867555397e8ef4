package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/coordinator"
)

// retentionFlags say how long jobs that have ended are kept.
type retentionFlags struct {
	keep, results time.Duration
	jobs          int
}

// leastKeep: whoever waits for a job must see how it ended.
const leastKeep = 10 * time.Minute

func (f *retentionFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.DurationVar(&f.keep, "keep", 720*time.Hour, "remove jobs so long after their end; 0: never")
	flags.IntVar(&f.jobs, "keep-jobs", 10_000, "keep no more than the last `N` jobs that have ended; 0: all")
	flags.DurationVar(&f.results, "keep-results", 0, "remove jobs whose result is on the bus, and the result, so long after their end (never)")
}

func (f *retentionFlags) check() error {
	for _, flag := range []struct {
		name string
		is   time.Duration
	}{{"--keep", f.keep}, {"--keep-results", f.results}} {
		if flag.is != 0 && flag.is < leastKeep {
			return usageError{fmt.Errorf("%s %s: use %s or more, such as 720h; 0 is for ever", flag.name, flag.is, leastKeep)}
		}
	}
	if f.jobs < 0 {
		return usageError{fmt.Errorf("--keep-jobs %d: use 1 or more; 0 is all", f.jobs)}
	}
	return nil
}

func (f *retentionFlags) config() coordinator.Config {
	return coordinator.Config{Keep: f.keep, KeepJobs: f.jobs, KeepResults: f.results, KeepAtLeast: leastKeep}
}
