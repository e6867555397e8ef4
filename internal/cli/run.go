package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

func newRun(terminal Terminal, set programs.Set) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run PROGRAM INPUT... | --map COMMAND [--reduce COMMAND] INPUT...",
		Short: "Run a job and write its result",
		Long: "Run a job over files, directories, globs or - (standard input), and write its result.\n" +
			"With no server named, everything runs inside this process, and nothing is left behind. On a server the bus carries\n" +
			"your files to the workers; file:///path is a path on the workers.",
		Example: "  jetreduce run wordcount book.txt\n" +
			"  jetreduce run wordcount 'logs/*.log' -o words.csv\n" +
			"  zcat big.gz | jetreduce run wordcount - --order en -o words.ndjson\n" +
			"  jetreduce run --map 'python3 map.py' --reduce 'python3 reduce.py' --file map.py --file reduce.py logs/*.gz",
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

// completeProgram completes the first argument with the names of programs, unless commands are given, and the others with files.
func completeProgram(set programs.Set) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 || cmd.Flags().Changed("map") {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return programNames(set), cobra.ShellCompDirectiveNoFileComp
	}
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
	server   busAt            // none: this process
	log      *slog.Logger

	pushed    []string // uploads that this process has carried
	submitted bool     // or perhaps: whoever was asked may have taken the job up
}

// typed is what was typed behind `jetreduce run`.
type typed struct {
	flags   runFlags
	changed func(flag string) bool // it was typed, whatever its value
	args    []string
}

func newJobRun(terminal Terminal, set programs.Set, t typed) (*jobRun, error) {
	program, inputs, err := t.program(set)
	if err != nil {
		return nil, usageError{err}
	}
	r := &jobRun{
		terminal: terminal, flags: t.flags, program: program, programs: set, inputs: inputs, log: t.flags.logger(terminal.Err),
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
	if err := r.belong(); err != nil {
		return nil, err
	}
	return r, r.place()
}

// belong says which workers the job is for, if this binary alone has its program.
func (r *jobRun) belong() (err error) {
	own := func(program mapreduce.Program) bool { return program.Name == r.job.Program }
	if !r.server.none() && slices.ContainsFunc(r.programs.Own(), own) {
		r.job.Class, err = roles.OwnClass()
	}
	return err
}

// program is the one named, or the one that runs the commands, with inputs that can be.
func (t typed) program(set programs.Set) (program mapreduce.Program, inputs []string, err error) {
	commands, err := t.flags.commands.commands()
	switch {
	case err != nil:
		return program, nil, err
	case t.flags.commands.given():
		program, inputs = roles.Commands(commands), t.args
	case len(t.args) == 0:
		return program, nil, errors.New("run what? `jetreduce run PROGRAM INPUT...`, or `jetreduce run --map COMMAND INPUT...`; " +
			"`jetreduce programs` lists the programs")
	default:
		if program, err = set.Find(t.args[0]); err != nil {
			return program, nil, err
		}
		inputs = t.args[1:]
	}
	if len(inputs) == 0 {
		return program, nil, fmt.Errorf("run %s on what? Name files, directories, globs, or - for standard input", program.Name)
	}
	return program, inputs, checkInputs(inputs)
}

// fitting refuses flags that say something about the other way to run.
func (r *jobRun) fitting(changed func(flag string) bool) error {
	if r.server.none() {
		return r.fittingHere()
	}
	for _, flag := range []string{"workers", "memory", "store"} {
		if changed(flag) {
			return fmt.Errorf("--%s is for a run inside this process; the workers of %s have their own", flag, r.server.connect.Address())
		}
	}
	if r.flags.detach && changed("output") && !isURL(r.flags.output) {
		return errors.New("--detach does not wait for the result: leave --output out, and fetch it with `jetreduce output ID -o FILE`")
	}
	return nil
}

// fittingHere refuses flags that need a server.
func (r *jobRun) fittingHere() error {
	if r.flags.detach {
		return errors.New("--detach needs a server (--server, --context, NATS_URL or NATS_CONTEXT): a job inside this process ends with it")
	}
	if r.flags.pool != "" || r.flags.priority != 0 {
		return errors.New("--pool and --priority need a server (--server, --context, NATS_URL or NATS_CONTEXT): " +
			"a job inside this process has it to itself")
	}
	if err := r.flags.workers.fit(thisMemory()); err != nil {
		return fmt.Errorf("--workers: %w", err)
	}
	return alone(r.flags.server.typed(), "no server is named, and a run inside this process connects to none")
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

// run runs the job on a server if one is named, else in a system of its own.
func (r *jobRun) run(ctx context.Context) error {
	if r.flags.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.flags.timeout,
			fmt.Errorf("%w: the job did not end within %s", errTimeout, r.flags.timeout))
		defer cancel()
	}
	run := r.here
	if !r.server.none() {
		run = r.there
	}
	err := run(ctx)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx) // whatever was under way says only that it was cut short
	}
	return err
}
