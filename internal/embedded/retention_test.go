package embedded_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"jetreduce/bus"
	"jetreduce/client"
	"jetreduce/coordinator"
	"jetreduce/internal/embedded"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// What is removed by age is removed as rm does it, on a real bus; a result that only the bus has stays with its job.
func TestHistoryIsBoundedAndResultsStay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	input := filepath.Join(dir, "input")
	if err := os.WriteFile(input, []byte("b a b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := config(t)
	c.Coordinator = coordinator.Config{KeepJobs: 1, KeepAtLeast: time.Nanosecond, RetainEvery: time.Nanosecond}
	err := embedded.Run(within(t), c, func(ctx context.Context, b *bus.Bus) error {
		if err := b.SetUp(ctx, bus.SetUp{Classes: []mapreduce.Class{roles.Class}, Results: true, Fleeting: true}); err != nil {
			return err
		}
		for n := range 4 {
			job := mapreduce.Job{ID: mapreduce.JobID(fmt.Sprintf("j%d", n)), Program: "wordcount", Inputs: []string{input}}
			if n > 0 {
				job.Output.To = output.URL(filepath.Join(dir, fmt.Sprint(n)))
			}
			if _, err := client.Run(ctx, b.Desk(), job, client.View{}); err != nil {
				return err
			}
		}
		return untilListed(ctx, b, "j3", "j0")
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < 4; n++ {
		if _, err := os.Stat(filepath.Join(dir, fmt.Sprint(n))); err != nil {
			t.Error(err)
		}
	}
}

// untilListed waits until these jobs are listed, and no others.
func untilListed(ctx context.Context, b *bus.Bus, ids ...mapreduce.JobID) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		list, err := b.Desk().List(ctx)
		if err != nil {
			return err
		}
		same := len(list.Jobs) == len(ids)
		for i := range list.Jobs {
			same = same && list.Jobs[i].ID == ids[i]
		}
		if same {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: listed are %v", ctx.Err(), list.Jobs)
		}
	}
}
