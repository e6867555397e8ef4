package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/mapreduce"
)

// What a shell completes: words that never change, and what a server says that is asked quickly. When none answers there is nothing to
// complete, and nobody is told why: the user is in the middle of a line.

// completionWait bounds how long a user waits at the TAB key.
const completionWait = time.Second

// oneOf completes a flag with some words; what follows a tab describes one.
func oneOf(words ...cobra.Completion) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// completed has flags of a command completed. One that is not there is a slip, which a test finds.
func completed(cmd *cobra.Command, flags map[string]cobra.CompletionFunc) {
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if err := cmd.RegisterFlagCompletionFunc(name, flags[name]); err != nil {
			panic(fmt.Sprintf("complete --%s of %s: %v", name, cmd.Name(), err))
		}
	}
}

// completeRun is what the flags of `jetreduce run` may be.
func (f *runFlags) complete(cmd *cobra.Command) {
	completed(cmd, map[string]cobra.CompletionFunc{
		"format":   oneOf("tsv\tkey, tab, value", "csv\tRFC 4180, no header", "ndjson\tone object a line"),
		"order":    oneOf(orders()...),
		"records":  oneOf("lines", "whole\tan input is one record", "ndjson", "csv", "csv:header\tnames its columns", "fixed:"),
		"compress": oneOf("gzip", "zstd"),
		"priority": oneOf("10\tbefore all others", "5", "0\tas most jobs", "-5", "-10\tafter all others"),
		"workers":  oneOf("cores"),
		"pool":     f.server.completePool,
		"id":       cobra.NoFileCompletions, "arg": cobra.NoFileCompletions, "top": cobra.NoFileCompletions,
	})
}

// orders are those of rows. Any BCP 47 collation is one; these are a few.
func orders() []cobra.Completion {
	return []cobra.Completion{
		"bytes\tunsigned bytes of the key", "emitted\tas the program has emitted them", "original\tas the original system", "en", "de", "fr",
		"es", "pt",
		"pt-u-ka-shifted-ks-level4", "und\tof no language",
	}
}

// completePool completes the pools of which workers are there.
func (f *serverFlag) completePool(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	slots := map[mapreduce.Pool]int{}
	f.quickly(cmd, func(ctx context.Context, desk *bus.Desk) {
		members, _ := desk.Workers(ctx)
		for _, m := range members {
			slots[m.Pool.OrDefault()]++
		}
	})
	var pools []cobra.Completion
	for _, pool := range slices.Sorted(maps.Keys(slots)) {
		pools = append(pools, fmt.Sprintf("%s\tworkers: %d", pool, slots[pool]))
	}
	return pools, cobra.ShellCompDirectiveNoFileComp
}

// completeJob completes the id of a job of which a command can do something.
func (f *serverFlag) completeJob(fits func(mapreduce.Status) bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var ids []cobra.Completion
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		f.quickly(cmd, func(ctx context.Context, desk *bus.Desk) {
			list, _ := desk.List(ctx)
			for _, s := range list.Jobs {
				if fits(s) {
					ids = append(ids, fmt.Sprintf("%s\t%s, %s", s.ID, s.State, firstLine(s.Program, 40)))
				}
			}
		})
		return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// Of which jobs a command can do something.
func anyJob(mapreduce.Status) bool       { return true }
func runningJob(s mapreduce.Status) bool { return !s.State.Final() }
func endedJob(s mapreduce.Status) bool   { return s.State.Final() }
func failedOne(s mapreduce.Status) bool {
	return s.State == mapreduce.Failed || s.State == mapreduce.Cancelled
}
func fetchable(s mapreduce.Status) bool { return s.State == mapreduce.Done && s.Output.OnBus() }

// quickly asks a server, if one answers at once.
func (f *serverFlag) quickly(cmd *cobra.Command, ask func(ctx context.Context, desk *bus.Desk)) {
	f.quicklyOver(cmd, func(ctx context.Context, b *bus.Bus) { ask(ctx, b.Desk()) })
}

func (f *serverFlag) quicklyOver(cmd *cobra.Command, ask func(ctx context.Context, b *bus.Bus)) {
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionWait)
	defer cancel()
	_ = f.desk(ctx, quiet(), func(ctx context.Context, b *bus.Bus) error {
		ask(ctx, b)
		return nil
	})
}

// completeStates completes the states of jobs.
func completeStates(*cobra.Command, []string, string) (states []cobra.Completion, _ cobra.ShellCompDirective) {
	for _, state := range mapreduce.UserStates() {
		states = append(states, string(state))
	}
	return states, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
