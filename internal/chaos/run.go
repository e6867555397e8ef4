package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"jetreduce/bus"
)

// Report is what came of a run.
type Report struct {
	Plan    Plan
	Counts  map[Kind]int  // faults done
	Took    time.Duration // from when the system could work to the last check
	Settled time.Duration // for which the jobs went on when all was mended
	Jobs    []string      // a word about each
	Wrong   []string      // none: it was exact
	Log     string        // what was done and when, a line each
}

// run is one run.
type run struct {
	plan    Plan
	journal *journal
	cluster *cluster
	jobs    []*job
	limit   time.Duration // for what is left to do after the last fault
	settled time.Duration // what it took
	hangs   bool          // and it was not enough, or a job could not be waited for
}

// perform does a plan in a directory, which is empty.
func perform(ctx context.Context, dir string, plan Plan, c Config) (Report, error) {
	report := Report{Plan: plan}
	if err := os.Mkdir(filepath.Join(dir, "logs"), 0o700); err != nil {
		return report, err
	}
	j, err := newJournal(dir)
	if err != nil {
		return report, err
	}
	defer j.close()
	r := &run{plan: plan, journal: j, limit: c.Limit}
	if r.cluster, err = newCluster(dir, plan, shape{3, workers}, c.server, j); err != nil {
		return report, err
	}
	defer r.cluster.close()
	if err := r.prepare(); err != nil {
		return report, err
	}
	r.do(ctx)
	return r.report(report), ctx.Err()
}

// do does the plan, and looks at what came of it.
func (r *run) do(ctx context.Context) {
	if err := r.begin(ctx); err != nil {
		r.journal.complain("%v", err)
		r.hangs = true
	} else {
		r.weather(ctx)
	}
	if r.hangs {
		r.autopsy(ctx)
	} else {
		r.inspect(ctx)
	}
}

// begin starts the system, and the clock of the plan when it can do its work: faults are to meet something.
func (r *run) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, recoveryLimit, fmt.Errorf("not within %s", recoveryLimit))
	defer cancel()
	began := time.Now()
	err := r.cluster.start()
	for _, message := range []string{decides, works} {
		if err == nil {
			_, err = r.cluster.await(ctx, message, began)
		}
	}
	r.journal.restart()
	return err
}

func (r *run) prepare() error {
	for _, plan := range r.plan.Jobs {
		j, err := newJob(plan, r.plan.Seed, r.cluster)
		if err != nil {
			return err
		}
		r.jobs = append(r.jobs, j)
	}
	return nil
}

// weather runs the jobs through the storm, and waits until they have ended or cannot be expected to any more.
func (r *run) weather(ctx context.Context) {
	ctx, give := context.WithCancelCause(ctx)
	defer give(nil)
	calm := r.drive(ctx)
	s := &storm{cluster: r.cluster, journal: r.journal}
	s.run(ctx, r.plan.Faults, calm)
	mended := time.Now()
	defer func() { r.settled = time.Since(mended) }()
	limit := time.NewTimer(r.limit)
	defer limit.Stop()
	select {
	case <-calm:
	case <-limit.C:
		give(fmt.Errorf("it has not ended %s after the last fault", r.limit))
		<-calm
	}
}

// drive runs the jobs, and closes what it returns when all have ended.
func (r *run) drive(ctx context.Context) <-chan struct{} {
	var driving sync.WaitGroup
	var hangs atomic.Bool
	for _, j := range r.jobs {
		driving.Go(func() {
			if err := j.drive(ctx); err != nil {
				r.journal.complain("%s: %v", j.plan.ID, err)
				hangs.Store(true)
			}
		})
	}
	calm := make(chan struct{})
	go func() {
		driving.Wait()
		r.hangs = hangs.Load()
		close(calm)
	}()
	return calm
}

// inspect looks whether all is as it should be.
func (r *run) inspect(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*patience, errors.New("it does not become so"))
	defer cancel()
	for _, j := range r.jobs {
		if err := j.verify(ctx); err != nil {
			r.journal.complain("%s: %v", j.plan.ID, err)
		}
	}
	if err := r.awaitSwept(ctx); err != nil {
		r.journal.complain("%v", err)
	}
	r.cluster.stop()
	if left, err := os.ReadDir(r.cluster.home.Scratch()); err != nil || len(left) > 0 {
		r.journal.complain("left over in the scratch directory: %v %v", left, err)
	}
}

// autopsy has everybody say where he stands.
func (r *run) autopsy(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, j := range r.jobs {
		_, _, _ = j.command(ctx, "status", j.plan.ID, "--json") // the job's log has it
	}
	for _, m := range r.cluster.members {
		if m.lives() {
			m.life.expected.Store(true)
			_ = m.life.Send(syscall.SIGQUIT)
			select {
			case <-m.life.Over():
			case <-ctx.Done():
			}
		}
	}
}

// awaitSwept waits until the streams of the jobs are gone, which have ended.
func (r *run) awaitSwept(ctx context.Context) error {
	for {
		left, err := r.streams(ctx)
		switch {
		case err == nil && len(left) == 0:
			return nil
		case !pause(ctx, again):
			return fmt.Errorf("streams of jobs that have ended: %v: %w", left, errors.Join(err, context.Cause(ctx)))
		}
	}
}

// streams are those that belong to one of the jobs.
func (r *run) streams(ctx context.Context) (left []string, err error) {
	nc, err := bus.Connect(ctx, bus.ConnectConfig{URL: r.cluster.url(), Name: "chaos", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	answer, err := nc.RequestWithContext(ctx, "$JS.API.STREAM.NAMES", nil)
	if err != nil {
		return nil, err
	}
	var page struct {
		Streams []string `json:"streams"`
	}
	if err := json.Unmarshal(answer.Data, &page); err != nil {
		return nil, err
	}
	for _, name := range page.Streams {
		for _, j := range r.jobs {
			if strings.Contains(name, string(j.status.UID)) {
				left = append(left, name)
			}
		}
	}
	return left, nil
}

func (r *run) report(report Report) Report {
	var log strings.Builder
	r.journal.print(&log)
	report.Counts, report.Took, report.Settled = r.journal.counts, r.journal.elapsed(), r.settled
	report.Wrong, report.Log = r.journal.complaints(), log.String()
	for _, j := range r.jobs {
		s := j.status
		report.Jobs = append(report.Jobs, fmt.Sprintf("%s %d+%d tasks %d+%d attempts %d lost %d failed", j.plan.Program,
			s.Maps.Total, s.Reduces.Total, s.Attempts.Map, s.Attempts.Reduce, s.Attempts.Lost, s.Attempts.Failed))
	}
	return report
}
