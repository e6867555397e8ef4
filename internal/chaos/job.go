package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// KillClient is what is done to a process that has submitted a job and waits for it.
const KillClient Kind = "kill -9 client"

// job is a job of a run, as its user sees it.
type job struct {
	plan    JobPlan
	cluster *cluster
	journal *journal
	log     *os.File
	inputs  []string
	want    []byte
	dir     string // of outputs, and of nothing else
	gate    string // a directory at which its attempts wait; "": they do not
	status  mapreduce.Status
}

// newJob writes the inputs of a job, and counts them.
func newJob(plan JobPlan, seed uint64, c *cluster) (*job, error) {
	j := &job{plan: plan, cluster: c, journal: c.journal, dir: filepath.Join(c.home.Dir, "out-"+plan.ID)}
	inputs := filepath.Join(c.home.Dir, "in-"+plan.ID)
	err := errors.Join(os.Mkdir(j.dir, 0o700), os.Mkdir(inputs, 0o700))
	if err == nil {
		j.log, err = os.Create(filepath.Join(c.home.Dir, "logs", plan.ID+".log"))
	}
	if err == nil {
		j.inputs, err = writeTexts(inputs, rand.New(rand.NewPCG(seed, uint64(len(plan.ID))+uint64(plan.Bytes))), plan)
	}
	if err == nil {
		j.want, err = Expected(plan.Program, j.inputs)
	}
	return j, err
}

// target is where a worker writes the result, if one does.
func (j *job) target() string { return filepath.Join(j.dir, "target.tsv") }

// kept is where a client that waits writes the result.
func (j *job) kept() string { return filepath.Join(j.dir, "kept.tsv") }

// fetched is where `jetreduce output` writes the result.
func (j *job) fetched() string { return filepath.Join(j.dir, "fetched.tsv") }

// submission is `jetreduce run`: the same job each time, with more arguments.
func (j *job) submission(more ...string) []string {
	program := j.plan.Program
	args := []string{
		"--id", j.plan.ID, "--split-size", strconv.FormatInt(j.plan.Split, 10), "--reduces", strconv.Itoa(j.plan.Reduces),
		"--format", "tsv",
	}
	if j.plan.Each > 0 {
		program = SlowPrefix + program
		args = append(args, "--arg", "each="+j.plan.Each.String())
	}
	if j.gate != "" {
		program = GatedPrefix + program
		args = append(args, "--arg", "gate="+j.gate)
	}
	if j.plan.ToFile {
		args = append(args, "-o", "file://"+j.target())
	}
	for _, input := range j.inputs {
		args = append(args, "file://"+input)
	}
	return append(append([]string{"run", program}, args...), more...)
}

// SlowPrefix is what the names of programs begin with whose attempts can be slowed.
const SlowPrefix = "slow-"

// drive submits the job and waits until it is done. Commands that do not reach the bus are given again.
func (j *job) drive(ctx context.Context) error {
	if !pause(ctx, j.plan.At) {
		return context.Cause(ctx)
	}
	if j.plan.Victim > 0 {
		if err := j.sacrifice(ctx); err != nil {
			return err
		}
	}
	if _, err := j.insist(ctx, j.submission("-d")...); err != nil {
		return err
	}
	j.journal.note("%s is submitted", j.plan.ID)
	if _, err := j.insist(ctx, "watch", j.plan.ID, "--no-progress"); err != nil {
		return err
	}
	j.journal.note("%s is done", j.plan.ID)
	return nil
}

// sacrifice submits the job with a client that waits for it, and kills this client.
func (j *job) sacrifice(ctx context.Context) error {
	args := j.submission("--no-progress")
	if !j.plan.ToFile {
		args = append(args, "-o", j.kept())
	}
	client, err := j.begin(args...)
	if err != nil {
		return err
	}
	timer := time.NewTimer(j.plan.Victim)
	defer timer.Stop()
	select {
	case <-timer.C:
		j.journal.fault(KillClient, "%s: %s", KillClient, client)
	case <-client.Over():
	case <-ctx.Done():
	}
	_ = client.Send(syscall.SIGKILL) // one that has ended is none to kill
	<-client.Over()
	return nil
}

// patience is how long a command may take that has to do with one answer; waiting for a job is no such command.
const patience = 20 * time.Second

// insist gives a command until it exits with 0, and returns what it wrote. A job that failed, or a command that is
// wrong, is an error; and so is the end of ctx.
func (j *job) insist(ctx context.Context, args ...string) ([]byte, error) {
	for {
		code, out, err := j.command(ctx, args...)
		switch {
		case err != nil:
			return nil, err
		case code == 0:
			return out, nil
		case code != 1:
			return nil, fmt.Errorf("`jetreduce %.60s %s` exited with %d: see the log of the job", args[0], j.plan.ID, code)
		case !pause(ctx, again):
			return nil, fmt.Errorf("`jetreduce %.60s %s` exits with %d, again and again: %w", args[0], j.plan.ID, code, context.Cause(ctx))
		}
	}
}

// command gives a command once. One that does not end is killed: waiting for a job ends with ctx, the others after their
// time.
func (j *job) command(ctx context.Context, args ...string) (code int, out []byte, err error) {
	limited, cancel := context.WithCancel(ctx)
	if args[0] != "watch" {
		limited, cancel = context.WithTimeoutCause(ctx, patience, fmt.Errorf("it does not end within %s", patience))
	}
	defer cancel()
	child, err := j.begin(args...)
	if err != nil {
		return 0, nil, err
	}
	select {
	case <-child.Over():
		code, out = child.Ending().ExitCode(), child.Said()
	case <-limited.Done():
		_ = child.Send(syscall.SIGQUIT) // so that it says where it stands
		<-child.Over()
		code = 1
		j.journal.note("%s of %s: %v", child, j.plan.ID, context.Cause(limited))
	}
	fmt.Fprintf(j.log, "%8.3f %s exited with %d: %s\n", j.journal.elapsed().Seconds(), child, code, out)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return code, out, err
}

func (j *job) begin(args ...string) (*processtest.Child, error) {
	cmd, err := j.cluster.home.Command([]string{"NATS_URL=" + j.cluster.url()}, args...)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(j.log, "%8.3f jetreduce %q\n", j.journal.elapsed().Seconds(), args)
	return processtest.StartChild(args[0], cmd, func(line []byte) {
		fmt.Fprintf(j.log, "%8.3f %s: %s\n", j.journal.elapsed().Seconds(), args[0], line)
	})
}

// verify looks at a job that is done, when all is well again.
func (j *job) verify(ctx context.Context) error {
	out, err := j.insist(ctx, "status", j.plan.ID, "--json")
	if err == nil {
		err = json.Unmarshal(out, &j.status)
	}
	if err != nil {
		return err
	}
	if j.status.State != mapreduce.Done {
		return fmt.Errorf("%s is %s after `watch` had exited with 0", j.plan.ID, j.status.State)
	}
	result := j.target()
	if !j.plan.ToFile {
		result = j.fetched()
		if _, err := j.insist(ctx, "output", j.plan.ID, "-o", result); err != nil {
			return err
		}
	}
	return errors.Join(j.compare(result), j.verifyDir())
}

func (j *job) compare(path string) error {
	difference, err := differ(path, j.want)
	if err == nil && difference != "" {
		err = errors.New(difference)
	}
	return err
}

// verifyDir looks for what should not lie beside the result. That of a client that was not killed in time is right too.
func (j *job) verifyDir() (err error) {
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(j.dir, entry.Name())
		switch path {
		case j.target(), j.fetched():
		case j.kept():
			err = errors.Join(err, j.compare(path))
		default:
			err = errors.Join(err, fmt.Errorf("%s is left over", path))
		}
	}
	return err
}

// pause waits; false: ctx has ended before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
