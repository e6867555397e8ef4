package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/client"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/programs"
)

// runFlags are the flags of `jetreduce run`.
type runFlags struct {
	output, format, order string
	reduces               int
	splitSize             size
	skipBad               int
	workers               int
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

func newRun(terminal Terminal, set programs.Set) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run PROGRAM INPUT...",
		Short: "Run a job and write its result",
		Long: "Run a job over files, directories, globs or - (standard input), and write its result.\n" +
			"With no server named, everything runs inside this process, and nothing is left behind. On a server the bus carries\n" +
			"your files to the workers; file:///path is a path on the workers.",
		Example: "  jetreduce run wordcount book.txt\n" +
			"  jetreduce run wordcount 'logs/*.log' -o words.csv\n" +
			"  zcat big.gz | jetreduce run wordcount - --order en -o words.ndjson",
		ValidArgsFunction: completeProgram(set),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := newJobRun(terminal, set, typed{flags: f, changed: cmd.Flags().Changed, args: args})
			if err != nil {
				return err
			}
			return r.run(cmd.Context())
		},
	}
	f.register(cmd)
	return cmd
}

// completeProgram completes the first argument with the names of programs, and the others with files.
func completeProgram(set programs.Set) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return programNames(set), cobra.ShellCompDirectiveNoFileComp
	}
}

func (f *runFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.output, "output", "o", "-", "result `FILE`; - is standard output")
	flags.StringVar(&f.format, "format", "", "tsv, csv or ndjson (by the file's ending, else tsv)")
	flags.StringVar(&f.order, "order", "", "order of the rows: bytes, original, or a collation such as pt-u-ka-shifted-ks-level4; map only: that of the input")
	flags.IntVar(&f.reduces, "reduces", 0, "reduce partitions; 0: map only (chosen for the work)")
	flags.Var(&f.splitSize, "split-size", "bytes an input split holds about, from 1; 64K, 16MiB, … (chosen for the work)")
	flags.IntVar(&f.skipBad, "skip-bad", 0, "leave out up to `N` records that the program cannot take, 1000 at most, and list them")
	flags.IntVar(&f.workers, "workers", runtime.GOMAXPROCS(0), "tasks at a time")
	flags.Var(&f.memory, "memory", "memory bound for sorting and grouping, in all (a quarter of the machine's)")
	flags.StringArrayVar(&f.args, "arg", nil, "an argument of the program, `K=V`; repeatable")
	flags.StringVar(&f.id, "id", "", "the job's id, [A-Za-z0-9_-]{1,64} (new)")
	flags.BoolVar(&f.force, "force", false, "replace the result file if it exists")
	flags.DurationVar(&f.timeout, "timeout", 0, "give up after so long, such as 90s or 10m (never)")
	f.server.register(cmd, "everything inside this process")
	flags.BoolVarP(&f.detach, "detach", "d", false, "do not wait, print the job's id; with a server")
	flags.StringVar(&f.store, "store", "", "`DIR`ectory of the embedded bus (one of its own under the cache directory)")
	flags.BoolVar(&f.noProgress, "no-progress", false, "no progress bar")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "say on standard error what happens inside")
}

// jobRun is one `jetreduce run`, checked: what can be refused without doing anything has been.
type jobRun struct {
	terminal Terminal
	flags    runFlags
	program  mapreduce.Program
	programs programs.Set
	inputs   []string
	job      mapreduce.Job
	target   mapreduce.Target // the local file that the result goes to
	stream   bool             // instead the result is copied to standard output, a device or a pipe
	server   string           // "": this process
	log      *slog.Logger
}

// typed is what was typed behind `jetreduce run`.
type typed struct {
	flags   runFlags
	changed func(flag string) bool // it was typed, whatever its value
	args    []string
}

func newJobRun(terminal Terminal, set programs.Set, t typed) (*jobRun, error) {
	program, err := t.program(set)
	if err != nil {
		return nil, usageError{err}
	}
	r := &jobRun{
		terminal: terminal, flags: t.flags, program: program, programs: set, inputs: t.args[1:], log: t.flags.logger(terminal.Err),
	}
	if r.server, err = t.flags.server.named(); err != nil {
		return nil, err
	}
	if err := r.fitting(t.changed); err != nil {
		return nil, usageError{err}
	}
	if r.job, err = t.flags.job(program, t.changed("reduces")); err != nil {
		return nil, usageError{err}
	}
	return r, r.place()
}

// program is the one named, with inputs that can be.
func (t typed) program(set programs.Set) (program mapreduce.Program, err error) {
	if len(t.args) == 0 {
		return program, errors.New("run what? `jetreduce run PROGRAM INPUT...`; `jetreduce programs` lists the programs")
	}
	if program, err = set.Find(t.args[0]); err != nil {
		return program, err
	}
	if len(t.args) == 1 {
		return program, fmt.Errorf("run %s on what? Name files, directories, globs, or - for standard input", t.args[0])
	}
	return program, checkInputs(t.args[1:])
}

// fitting refuses flags that say something about the other way to run.
func (r *jobRun) fitting(changed func(flag string) bool) error {
	if r.server == "" {
		if r.flags.detach {
			return errors.New("--detach needs a server (--server or NATS_URL): a job inside this process ends with it")
		}
		return nil
	}
	for _, flag := range []string{"workers", "memory", "store"} {
		if changed(flag) {
			return fmt.Errorf("--%s is for a run inside this process; the workers of %s have their own", flag, r.server)
		}
	}
	if r.flags.detach && changed("output") && !isURL(r.flags.output) {
		return errors.New("--detach does not wait for the result: leave --output out, and fetch it with `jetreduce output ID -o FILE`")
	}
	return nil
}

// checkInputs refuses names that are slips: "" is what a variable that is not set leaves.
func checkInputs(names []string) error {
	stdin := 0
	for _, name := range names {
		switch name {
		case "":
			return errors.New("an input has an empty name")
		case "-":
			stdin++
		}
	}
	if stdin > 1 {
		return errors.New("standard input can be read only once: name - once")
	}
	return nil
}

// job is the job as the flags describe it, but for inputs and output.
func (f *runFlags) job(program mapreduce.Program, reducesSet bool) (mapreduce.Job, error) {
	job := mapreduce.Job{
		ID: mapreduce.JobID(f.id), Program: program.Name, Reduces: f.reduces, SplitSize: int64(f.splitSize), SkipBad: f.skipBad,
		MapOnly: program.Reducer == nil || reducesSet && f.reduces == 0,
		Inputs:  []string{"-"}, Output: mapreduce.Target{Format: f.format, Order: f.order, Force: f.force},
	}
	if err := f.check(); err != nil {
		return job, err
	}
	var err error
	if job.Args, err = pairs(f.args); err != nil {
		return job, err
	}
	if err := checkProgram(program, job.Args); err != nil {
		return job, err
	}
	if job.ID == "" {
		job.ID = client.NewID(program.Name)
	}
	return job, job.Validate()
}

// check refuses flags that no job can have.
func (f *runFlags) check() error {
	switch {
	case f.skipBad < 0 || f.skipBad > mapreduce.MaxSkipBad:
		return fmt.Errorf("--skip-bad %d: use 0 to %d", f.skipBad, mapreduce.MaxSkipBad)
	case f.workers < 1 || f.workers > 1024:
		return fmt.Errorf("--workers %d: use 1 to 1024", f.workers)
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

// run runs the job on a server if one is named, else in a system of its own.
func (r *jobRun) run(ctx context.Context) error {
	if r.flags.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.flags.timeout,
			fmt.Errorf("%w: the job did not end within %s", errTimeout, r.flags.timeout))
		defer cancel()
	}
	run := r.here
	if r.server != "" {
		run = r.there
	}
	err := run(ctx)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx) // whatever was under way says only that it was cut short
	}
	return err
}
