// Command main measures what a coordinator costs at scale: see package scale.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"time"

	"jetreduce/coordinator/scale"
	"jetreduce/mapreduce"
)

func main() {
	var c scale.Config
	flag.Uint64Var(&c.Seed, "seed", 1, "of task times and deaths")
	flag.IntVar(&c.Workers, "workers", 1000, "how many")
	flag.IntVar(&c.Slots, "slots", 2, "of each worker")
	flag.IntVar(&c.Splits, "splits", 100_000, "of the job")
	flag.IntVar(&c.Reduces, "reduces", 0, "partitions; 0: the coordinator chooses")
	flag.DurationVar(&c.Task, "task", time.Second, "what a task takes on average")
	flag.Float64Var(&c.Slow, "slow", 0, "of all maps so many take ten times as long: 0.001 is one in a thousand")
	flag.Float64Var(&c.KillRate, "kill-rate", 0, "of all workers so many die in a minute: 0.1 is one in ten")
	measured := flag.Bool("bus", false, "let the bus take its time, as a server does that brings all to disk at once")
	profile := flag.String("profile", "", "write a profile of the processor into this file")
	flag.Parse()
	if *measured {
		c.Bus = scale.Measured()
	}
	if err := command(c, *profile); err != nil {
		fmt.Fprintf(os.Stderr, "scale: %v\n", err)
		os.Exit(1)
	}
}

func command(c scale.Config, profile string) error {
	switch {
	case c.Workers < 1 || c.Slots < 1:
		return fmt.Errorf("-workers, -slots: use 1 or more")
	case c.Splits < 1 || c.Splits > mapreduce.MaxSplits:
		return fmt.Errorf("-splits: use 1 to %d", mapreduce.MaxSplits)
	case c.Reduces < 0 || c.Reduces > mapreduce.MaxPartitions:
		return fmt.Errorf("-reduces: use 1 to %d, or leave it out", mapreduce.MaxPartitions)
	case c.Task <= 0 || c.Slow < 0 || c.Slow > 1 || c.KillRate < 0:
		return fmt.Errorf("-task, -slow, -kill-rate: use more than nothing, a share, and 0 or more")
	}
	if profile != "" {
		file, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	scale.Run(c).Print(os.Stdout)
	scale.TakeOver(c).Print(os.Stdout)
	return nil
}
