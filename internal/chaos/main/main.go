// Command main kills what runs jobs and compares the results: see package chaos. It is its own jetreduce: the processes
// that it starts are this binary.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"jetreduce/internal/chaos"
	"jetreduce/internal/cli"
	"jetreduce/internal/processtest"
	"jetreduce/mapreduce/programs"
)

func main() {
	processtest.Main(jetreduce)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "chaos: %v\n", err)
		os.Exit(1)
	}
}

// jetreduce is the jetreduce command, with the programs of chaos beside the built-in ones.
func jetreduce() {
	set, err := programs.NewSet(append(programs.Builtin(), chaos.Programs()...)...)
	if err != nil {
		fmt.Fprintf(os.Stderr, "chaos: %v\n", err)
		os.Exit(1)
	}
	os.Exit(cli.Main(os.Args[1:], set))
}

func command(ctx context.Context) error {
	c := chaos.Config{Out: os.Stdout}
	flag.Uint64Var(&c.Seed, "seed", rand.Uint64N(1_000_000), "of the first run; random unless given")
	flag.IntVar(&c.Runs, "runs", 0, "how many; 0: as many as fit into the time")
	flag.DurationVar(&c.Time, "time", 2*time.Minute, "after which no run is begun")
	flag.Int64Var(&c.Bytes, "bytes", 20_000_000, "of input of a run")
	flag.DurationVar(&c.Span, "span", 20*time.Second, "during which a run has faults, at most")
	flag.DurationVar(&c.Limit, "limit", 90*time.Second, "for what is left to do after the last fault; then a run hangs")
	flag.BoolVar(&c.Keep, "keep", false, "keep the logs of all runs, not only of those that were not exact")
	topology := flag.String("topology", "bus,hosted", "those to draw from: bus, hosted, three")
	r := chaos.RecoveryConfig{Out: os.Stdout}
	flag.IntVar(&r.Trials, "recovery", 0, "instead measure so many times how long it takes to go on")
	flag.DurationVar(&r.Work, "work", time.Minute, "with -recovery: how long the job takes that shows what state costs")
	only := flag.String("only", "", "with -recovery: of leader, host, worker, server, cost and adapter these, with commas between")
	flag.Parse()
	measures := false
	flag.Visit(func(f *flag.Flag) { measures = measures || f.Name == "recovery" })
	if measures {
		r.Only = names(*only)
		return chaos.Recovery(ctx, r)
	}
	return soak(ctx, c, *topology)
}

func soak(ctx context.Context, c chaos.Config, topologies string) (err error) {
	if c.Topologies, err = parse(topologies); err != nil {
		return err
	}
	switch {
	case c.Span < time.Second:
		return errors.New("-span: use a second or more")
	case c.Runs < 0 || c.Time < 0:
		return errors.New("-runs, -time: use 0 or more")
	case c.Bytes < 1000:
		return errors.New("-bytes: use 1000 or more")
	}
	fmt.Printf("seed %d: what happens to real processes; the same seed is the same schedule, nearly\n", c.Seed)
	return chaos.Soak(ctx, c)
}

// names takes a list apart.
func names(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

func parse(list string) (all []chaos.Topology, err error) {
	for _, name := range names(list) {
		switch t := chaos.Topology(name); t {
		case chaos.Bus, chaos.Hosted, chaos.Three:
			all = append(all, t)
		default:
			return nil, errors.New("-topology " + name + ": use bus, hosted or three, or several with commas between")
		}
	}
	return all, nil
}
