package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/client"
	"jetreduce/internal/embedded"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/programs"
)

// runFlags are the flags of `jetreduce run`.
type runFlags struct {
	output, format, order string
	reduces               int
	splitSize             size
	workers               int
	memory                size
	args                  []string
	id                    string
	force                 bool
	timeout               time.Duration
	store                 string
	noProgress, verbose   bool
}

func newRun(terminal Terminal, set programs.Set) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run PROGRAM INPUT...",
		Short: "Run a job and write its result",
		Long: "Run a job over files, directories, globs or - (standard input), and write its result.\n" +
			"Everything runs inside this process; nothing is left behind.",
		Example: "  jetreduce run wordcount book.txt\n" +
			"  jetreduce run wordcount 'logs/*.log' -o words.csv\n" +
			"  zcat big.gz | jetreduce run wordcount - --order en -o words.ndjson",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return programNames(set), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := newJobRun(terminal, set, f, cmd.Flags().Changed("reduces"), args)
			if err != nil {
				return err
			}
			return r.run(cmd.Context())
		},
	}
	f.register(cmd)
	return cmd
}

func (f *runFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.output, "output", "o", "-", "result `FILE`; - is standard output")
	flags.StringVar(&f.format, "format", "", "tsv, csv or ndjson (by the file's ending, else tsv)")
	flags.StringVar(&f.order, "order", "bytes", "order of the rows: bytes, original, or a collation such as pt-u-ka-shifted-ks-level4")
	flags.IntVar(&f.reduces, "reduces", 0, "reduce partitions (chosen for the work)")
	flags.Var(&f.splitSize, "split-size", "bytes an input split holds about, from 1; 64K, 16MiB, … (chosen for the work)")
	flags.IntVar(&f.workers, "workers", runtime.GOMAXPROCS(0), "tasks at a time")
	flags.Var(&f.memory, "memory", "memory bound for sorting and grouping, in all (a quarter of the machine's)")
	flags.StringArrayVar(&f.args, "arg", nil, "an argument of the program, `K=V`; repeatable")
	flags.StringVar(&f.id, "id", "", "the job's id, [A-Za-z0-9_-]{1,64} (new)")
	flags.BoolVar(&f.force, "force", false, "replace the result file if it exists")
	flags.DurationVar(&f.timeout, "timeout", 0, "give up after so long, such as 90s or 10m (never)")
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
	stream   bool // the result is copied to standard output, a device or a pipe
	log      *slog.Logger
}

func newJobRun(terminal Terminal, set programs.Set, f runFlags, reducesSet bool, args []string) (*jobRun, error) {
	if len(args) == 0 {
		return nil, usageError{errors.New("run what? `jetreduce run PROGRAM INPUT...`; `jetreduce programs` lists the programs")}
	}
	program, err := set.Find(args[0])
	if err != nil {
		return nil, usageError{err}
	}
	if len(args) == 1 {
		return nil, usageError{fmt.Errorf("run %s on what? Name files, directories, globs, or - for standard input", args[0])}
	}
	if err := checkInputs(args[1:]); err != nil {
		return nil, usageError{err}
	}
	r := &jobRun{terminal: terminal, flags: f, program: program, programs: set, inputs: args[1:], log: f.logger(terminal.Err)}
	if r.job, err = f.job(program, reducesSet); err != nil {
		return nil, usageError{err}
	}
	return r, r.place()
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
		ID: mapreduce.JobID(f.id), Program: program.Name, Reduces: f.reduces, SplitSize: int64(f.splitSize),
		Inputs: []string{"-"}, Output: mapreduce.Target{Format: f.format, Order: f.order, Force: f.force},
	}
	if err := f.check(reducesSet); err != nil {
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
func (f *runFlags) check(reducesSet bool) error {
	switch {
	case reducesSet && f.reduces == 0:
		return errors.New("--reduces 0 (map only) is not supported yet: use 1 or more, or leave it out")
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

// run runs the job in a system of its own.
func (r *jobRun) run(ctx context.Context) error {
	if r.flags.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.flags.timeout,
			fmt.Errorf("%w: the job did not end within %s, and was stopped", errTimeout, r.flags.timeout))
		defer cancel()
	}
	for _, name := range []string{"NATS_URL", "NATS_CONTEXT"} {
		if os.Getenv(name) != "" {
			fmt.Fprintf(r.terminal.Err, "jetreduce: %s is set, but this version runs jobs inside its own process only\n", name)
		}
	}
	store, err := openStore(ctx, r.flags.store, r.terminal.Err, r.log)
	if err != nil {
		return err
	}
	defer func() {
		if removeErr := store.Remove(); removeErr != nil { // the next run sweeps it; the result is not touched by that
			r.log.Error("the store was not removed", "store", store.Dir(), "cause", removeErr)
		}
	}()
	if err := r.carry(ctx, store); err != nil {
		return err
	}
	if r.stream {
		r.job.Output.To = output.URL(filepath.Join(store.Scratch(), "result"))
	}
	config := embedded.Config{
		Store: store, Slots: r.flags.workers, Memory: r.memory(), Programs: r.programs.Find, Log: r.log,
	}
	err = embedded.Run(ctx, config, func(ctx context.Context, b *bus.Bus) error { return r.wait(ctx, b) })
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx) // whatever was under way says only that it was cut short
	}
	return err
}

// wait submits the job, shows how far it is, and delivers the result.
func (r *jobRun) wait(ctx context.Context, b *bus.Bus) error {
	began := time.Now()
	bar := newBar(r.terminal.Err, r.flags.noProgress)
	status, err := client.Run(ctx, b.Desk(), r.job, bar.show)
	bar.close()
	if err != nil {
		return err
	}
	if status.State != mapreduce.Done {
		return failedJob{status.Error}
	}
	if r.stream {
		if err := r.deliver(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintln(r.terminal.Err, summary(r.program, status, time.Since(began), r.flags.output))
	return nil
}
