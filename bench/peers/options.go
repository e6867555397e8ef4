package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// options is what to measure, and how often.
type options struct {
	tasks, rounds int
	peers         []string // which; in the order of peerNames
	json          bool
}

// peerNames is what --only knows.
var peerNames = []string{"jetstream", "river", "asynq"}

// parse reads the command line. What is wrong with it is written to stderr, with the usage, and returned.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var only string
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.tasks, "tasks", 100_000, "tasks queued before the clock starts")
	flags.IntVar(&o.rounds, "rounds", 3, "measurements of each; the median counts")
	flags.BoolVar(&o.json, "json", false, "one object a line, {name, tasks_per_second}, instead of the table")
	flags.StringVar(&only, "only", strings.Join(peerNames, ","), "which to measure")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	err := o.check(flags.Args(), only)
	if err != nil {
		fmt.Fprintln(stderr, "peers:", err)
		flags.Usage()
	}
	return o, err
}

func (o *options) check(rest []string, only string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q: there are options only", rest[0])
	case o.tasks < 1:
		return fmt.Errorf("--tasks %d: at least 1", o.tasks)
	case o.rounds < 1:
		return fmt.Errorf("--rounds %d: at least 1", o.rounds)
	}
	asked := strings.Split(only, ",")
	for _, name := range asked {
		if !slices.Contains(peerNames, name) {
			return fmt.Errorf("--only %q: there are %s", name, strings.Join(peerNames, ", "))
		}
	}
	for _, name := range peerNames {
		if slices.Contains(asked, name) {
			o.peers = append(o.peers, name)
		}
	}
	return nil
}
