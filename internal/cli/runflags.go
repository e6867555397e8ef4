package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/client"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// runFlags are the flags of `jetreduce run`.
type runFlags struct {
	commands              commandFlags
	output, format, order string
	top                   int
	compress              string
	records               string
	reduces               int
	splitSize             size
	skipBad               int
	workers               slots
	pool                  string
	priority              int
	memory                size
	args                  []string
	id                    string
	force                 bool
	timeout               time.Duration
	store                 string
	server                serverFlag
	detach                bool
	noProgress, verbose   bool
}

func (f *runFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.output, "output", "o", "-", "result `FILE`; DIR/ gets a file for each partition; - is standard output")
	f.commands.register(flags)
	flags.StringVar(&f.records, "records", "", "what a record of the input is: lines, whole, ndjson, csv, csv:header, fixed:BYTES (lines)")
	flags.StringVar(&f.format, "format", "", "tsv, csv or ndjson (by the file's ending, else tsv)")
	flags.StringVar(&f.order, "order", "", "order of the rows: bytes, emitted, original, or a collation such as pt-u-ka-shifted-ks-level4; map only: that of the input")
	flags.IntVar(&f.top, "top", 0, "only the `N` rows with the largest values (all)")
	flags.StringVar(&f.compress, "compress", "", "gzip or zstd (by the file's ending)")
	flags.IntVar(&f.reduces, "reduces", 0, "reduce partitions; 0: map only (chosen for the work)")
	flags.Var(&f.splitSize, "split-size", "bytes an input split holds about, from 1; 64K, 16MiB, … (chosen for the work)")
	flags.IntVar(&f.skipBad, "skip-bad", 0, "leave out up to `N` records that the program cannot take, 1000 at most, and list them")
	flags.Var(&f.workers, "workers", "tasks at a time: N; cores; or what memory each must have (one a core, as far as memory allows)")
	flags.Var(&f.memory, "memory", "memory bound for sorting and grouping, in all (a quarter of the machine's)")
	flags.StringArrayVar(&f.args, "arg", nil, "an argument of the program, `K=V`; repeatable")
	flags.StringVar(&f.id, "id", "", "the job's id, [A-Za-z0-9_-]{1,64} (new)")
	flags.BoolVar(&f.force, "force", false, "replace the result file if it exists")
	flags.DurationVar(&f.timeout, "timeout", 0, "give up after so long, such as 90s or 10m (never)")
	f.registerServer(cmd)
	flags.StringVar(&f.store, "store", "", "`DIR`ectory of the embedded bus (one of its own under the cache directory)")
	flags.BoolVar(&f.noProgress, "no-progress", false, "no progress bar")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "say on standard error what happens inside")
	f.complete(cmd)
}

// registerServer declares which server, and what only has a meaning with one.
func (f *runFlags) registerServer(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.server.register(cmd, "everything inside this process")
	flags.StringVar(&f.pool, "pool", "", "have it run by the workers of this pool, `NAME`; with a server (default)")
	flags.IntVar(&f.priority, "priority", 0, "tasks of jobs with a higher one go first in their pool: `N` from -10 to 10; with a server")
	flags.BoolVarP(&f.detach, "detach", "d", false, "do not wait, print the job's id; with a server")
}

// job is the job as the flags describe it, but for inputs and output.
func (f *runFlags) job(program mapreduce.Program, reducesSet bool) (mapreduce.Job, error) {
	job := mapreduce.Job{
		ID: mapreduce.JobID(f.id), Reduces: f.reduces, SplitSize: int64(f.splitSize), SkipBad: f.skipBad,
		Pool: mapreduce.Pool(f.pool), Priority: f.priority,
		Records: mapreduce.Records(f.records), MapOnly: program.Reducer == nil || reducesSet && f.reduces == 0, Inputs: []string{"-"},
		Output: mapreduce.Target{Format: f.format, Order: f.order, Force: f.force, Top: f.top, Codec: mapreduce.Codec(f.compress)},
	}
	err := f.check()
	if err == nil {
		job.Args, err = pairs(f.args)
	}
	if err == nil {
		job.Files, err = f.commands.shipped()
	}
	if err == nil {
		err = f.run(&job, program)
	}
	if err != nil {
		return job, err
	}
	return job, job.Validate()
}

// run says what the job runs: a program, or commands.
func (f *runFlags) run(job *mapreduce.Job, program mapreduce.Program) (err error) {
	name := "run"
	if job.Commands, err = f.commands.commands(); err != nil || job.Map != "" {
		if job.MapOnly && job.Reduce != "" {
			err = errors.New("--reduces 0 is map only: leave --reduce out")
		}
	} else {
		name, job.Program = program.Name, program.Name
		if program.Reduces > 0 && !job.MapOnly {
			job.Reduces = cmp.Or(min(job.Reduces, program.Reduces), program.Reduces)
		}
		if err = checkProgram(program, job.Args); err == nil && program.Reducer == nil && job.Reduces > 0 {
			err = fmt.Errorf("%s has no reduce: leave --reduces out; -o DIR/ gives a file for each map", program.Name)
		}
	}
	if job.ID == "" {
		job.ID = client.NewID(name)
	}
	return err
}

// check refuses flags that no job can have.
func (f *runFlags) check() error {
	switch {
	case f.skipBad < 0 || f.skipBad > mapreduce.MaxSkipBad:
		return fmt.Errorf("--skip-bad %d: use 0 to %d", f.skipBad, mapreduce.MaxSkipBad)
	case f.timeout < 0:
		return fmt.Errorf("--timeout %s: use a positive time", f.timeout)
	}
	if _, err := output.ParseOrder(f.order); err != nil {
		return fmt.Errorf("--order: %w", err)
	}
	if _, err := output.ParseFormat(f.format); err != nil {
		return fmt.Errorf("--format: %w", err)
	}
	return nil
}

func pairs(args []string) (map[string]string, error) {
	if len(args) == 0 {
		return nil, nil
	}
	m := map[string]string{}
	for _, arg := range args {
		k, v, found := strings.Cut(arg, "=")
		if !found || k == "" {
			return nil, fmt.Errorf("--arg %q: use K=V", arg)
		}
		m[k] = v
	}
	return m, nil
}

// checkProgram lets the program itself judge its arguments.
func checkProgram(program mapreduce.Program, args map[string]string) error {
	if _, err := program.Mapper(args); err != nil {
		return fmt.Errorf("program %s: %w", program.Name, err)
	}
	if program.Reducer == nil {
		return nil
	}
	if _, err := program.Reducer(args); err != nil {
		return fmt.Errorf("program %s: %w", program.Name, err)
	}
	return nil
}

func (f *runFlags) logger(to io.Writer) *slog.Logger {
	level := slog.LevelError
	if f.verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: level}))
}
