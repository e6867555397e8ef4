// Package onejob is a coordinator as the original system knew it: started with one file, it serves the workers on one port until the
// words of that file are counted. Started again with the same port it is the backup, as often as one likes.
//
//	first   ─▶ leads, listens ◀── original workers      dies ─▶ the next leads, listens at the same port, goes on
//	second  ─▶ stands by ──reg_backup──▶ the port
//
// Beneath is what any coordinator is, over a bus of this machine that is the port's own: job, commits and takeover are the engine's.
// Here is only what the job is, whose it is, and who has the port.
package onejob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"jetreduce/backup"
	"jetreduce/bus"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// Config says what to count, and for whom to listen.
type Config struct {
	File  string                       // absolute
	Blob  int                          // characters
	Addr  string                       // host:port that workers connect to
	Claim string                       // path of the file by which processes of ours know who of them has the port
	Write func(result io.Reader) error // takes the result to where this process was told to; called once at most

	Began   time.Time // when this process was started: what ended before is of another day
	Name    string    // of the process, new in each life
	Memory  int64     // bytes for sorting and grouping
	Scratch string    // directory for spills
	Program mapreduce.Program
	Log     *slog.Logger
}

// id is the job's, the only one of its bus.
func (c Config) id() mapreduce.JobID {
	_, port, _ := net.SplitHostPort(c.Addr)
	return mapreduce.JobID("words-" + port)
}

// job is what all processes of the port work on. Its result stays on the bus, from where each process takes it to where it was told to:
// that is the process's own matter, and no part of what the job is.
func (c Config) job() mapreduce.Job {
	return mapreduce.Job{
		ID: c.id(), Program: c.Program.Name, Inputs: []string{output.URL(c.File)}, Blob: c.Blob,
		Output: mapreduce.Target{Format: "csv", Order: output.Original},
	}
}

// member is one process of the port.
type member struct {
	Config
	b      *bus.Bus
	leads  atomic.Bool
	served atomic.Bool          // the port has been served for this job, by this process or by another of ours
	reigns chan context.Context // each a time in which this process leads
	mu     sync.Mutex
	latest mapreduce.Status // of the job
}

// errEnded ends all parts: the job has ended.
var errEnded = errors.New("the job has ended")

// Run leads or stands by until the job ends, writes its result if it is done, and returns how it ended. Whoever else has the port and
// none of our bus, is waited for.
func Run(ctx context.Context, b *bus.Bus, c Config) (end mapreduce.Status, err error) {
	m := &member{Config: c, b: b, reigns: make(chan context.Context)}
	group, ctx := errgroup.WithContext(ctx)
	coordinator := roles.Coordinator{Bus: b, Name: c.Name, Log: c.Log, Backup: backup.Config{}, Reign: m.reign}
	group.Go(func() error { return coordinator.Run(ctx) })
	group.Go(func() error { return m.publisher().Run(ctx) })
	group.Go(func() error { return m.port(ctx) })
	group.Go(func() error {
		if end, err = m.outcome(ctx); err != nil {
			return err
		}
		return errEnded
	})
	if err := group.Wait(); !errors.Is(err, errEnded) {
		return mapreduce.Status{}, err
	}
	return end, nil
}

// publisher runs plan and finish, so that original workers are enough.
func (m *member) publisher() roles.Worker {
	return roles.Worker{
		Bus: m.b, Log: m.Log, Memory: m.Memory, Scratch: m.Scratch, Host: m.Name + " " + m.job().Digest(),
		Programs: func(name string) (mapreduce.Program, error) {
			if name != m.Program.Name {
				return mapreduce.Program{}, fmt.Errorf("program %s: %w", name, mapreduce.ErrNotMine)
			}
			return m.Program, nil
		},
	}
}

// reign is what this process does while it leads.
func (m *member) reign(ctx context.Context) {
	m.leads.Store(true)
	defer m.leads.Store(false)
	select {
	case m.reigns <- ctx:
		<-ctx.Done()
	case <-ctx.Done():
	}
}

func (m *member) see(status mapreduce.Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latest = status
}

// known is where the job stands, as far as this process has seen.
func (m *member) known() mapreduce.Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.latest
}
