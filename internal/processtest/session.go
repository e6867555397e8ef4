package processtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"jetreduce/bus"
	"jetreduce/client"
	"jetreduce/mapreduce"
)

// session is the test process as a client of the bus.
type session struct {
	bus     *bus.Bus
	ctx     context.Context // ends with the test
	end     context.CancelFunc
	hangUp  func()
	waiting sync.WaitGroup
}

func (s *session) close() {
	s.end()
	s.waiting.Wait()
	s.hangUp()
}

// Client is the bus as a client sees it, in the test process. It waits until jetreduce is set up there.
func (m *Machine) Client() *bus.Bus {
	m.t.Helper()
	return m.open().bus
}

// open connects once: the connection outlives the bus.
func (m *Machine) open() *session {
	m.t.Helper()
	if m.session != nil {
		return m.session
	}
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithTimeout(context.Background(), Limit)
	defer cancel()
	nc, err := bus.Connect(ctx, bus.ConnectConfig{URL: m.URL(), Name: "test", Wait: true, Log: log})
	if err != nil {
		m.t.Fatal(err)
	}
	s := &session{hangUp: nc.Close}
	s.ctx, s.end = context.WithCancel(context.Background())
	m.session = s
	if s.bus, err = bus.New(nc, ""); err == nil {
		err = s.bus.AwaitSetUp(ctx, log)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

// Run is a job that was submitted, and what was heard of it.
type Run struct {
	t     testing.TB
	over  chan struct{} // closed when it has ended, or cannot be watched any more
	final mapreduce.Status
	err   error

	mu      sync.Mutex
	heard   []mapreduce.Status
	changed chan struct{}
}

// Submit submits a job, and watches it.
func (m *Machine) Submit(job mapreduce.Job) *Run {
	m.t.Helper()
	s := m.open()
	r := &Run{t: m.t, over: make(chan struct{}), changed: make(chan struct{})}
	s.waiting.Go(func() {
		defer close(r.over)
		r.final, r.err = client.Run(s.ctx, s.bus.Desk(), job, client.View{Seen: r.hear})
	})
	return r
}

func (r *Run) hear(status mapreduce.Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, status)
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *Run) find(is func(mapreduce.Status) bool) (status mapreduce.Status, more <-chan struct{}, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at := slices.IndexFunc(r.heard, is); at >= 0 {
		return r.heard[at], nil, true
	}
	return status, r.changed, false
}

// Await waits until the job was heard to stand somewhere.
func (r *Run) Await(where string, is func(mapreduce.Status) bool) mapreduce.Status {
	r.t.Helper()
	limit := time.NewTimer(Limit)
	defer limit.Stop()
	for {
		status, more, found := r.find(is)
		if found {
			return status
		}
		select {
		case <-more:
		case <-r.over:
			if status, _, found = r.find(is); found {
				return status
			}
			r.t.Fatalf("the job was never seen %s; in the end: %+v, %v", where, r.final, r.err)
		case <-limit.C:
			r.t.Fatalf("the job is never seen %s; last seen: %+v", where, r.last())
		}
	}
}

// AwaitState waits until the job was heard to be in a state.
func (r *Run) AwaitState(state mapreduce.State) mapreduce.Status {
	r.t.Helper()
	return r.Await(string(state), func(s mapreduce.Status) bool { return s.State == state })
}

// AwaitMaps waits until so many maps are committed.
func (r *Run) AwaitMaps(n int) mapreduce.Status {
	r.t.Helper()
	return r.Await("with its maps committed", func(s mapreduce.Status) bool { return s.Maps.Done >= n })
}

func (r *Run) last() mapreduce.Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.heard) == 0 {
		return mapreduce.Status{}
	}
	return r.heard[len(r.heard)-1]
}

// End waits until the job has ended, however it did.
func (r *Run) End() (mapreduce.Status, error) {
	r.t.Helper()
	limit := time.NewTimer(Limit)
	defer limit.Stop()
	select {
	case <-r.over:
	case <-limit.C:
		r.t.Fatalf("the job does not end; last seen: %+v", r.last())
	}
	return r.final, r.err
}

// Done waits until the job is done; any other end fails the test.
func (r *Run) Done() mapreduce.Status {
	r.t.Helper()
	status, err := r.End()
	if err != nil || status.State != mapreduce.Done {
		r.t.Fatalf("the job is %q (%s): %v", status.State, status.Error, err)
	}
	return status
}

// Result fetches the result of a job from the bus.
func (m *Machine) Result(status mapreduce.Status) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.open().ctx, Limit)
	defer cancel()
	result, err := m.open().bus.Results().Fetch(ctx, status.UID, status.Output)
	if err != nil {
		m.t.Fatal(err)
	}
	content, err := io.ReadAll(result)
	if err = errors.Join(err, result.Close()); err != nil {
		m.t.Fatal(err)
	}
	return string(content)
}

// Ask asks the desk something, with a limit.
func Ask[T any](m *Machine, ask func(ctx context.Context, desk *bus.Desk) (T, error)) (T, error) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.open().ctx, Limit)
	defer cancel()
	return ask(ctx, m.open().bus.Desk())
}

// AwaitRunning waits until the leader has heard of so many attempts of a phase under way.
func (m *Machine) AwaitRunning(phase mapreduce.Phase, n int) {
	m.t.Helper()
	m.awaitMembers(fmt.Sprintf("heartbeats that name %d attempts of %s", n, phase), func(members []mapreduce.Member) bool {
		running := 0
		for _, member := range members {
			for _, r := range member.Running {
				if r.Task.Phase == phase {
					running++
				}
			}
		}
		return running >= n
	})
}

// AwaitIdle waits until the leader has heard from a worker that it has nothing to do.
func (m *Machine) AwaitIdle(worker *Process) {
	m.t.Helper()
	id, _ := worker.Await("works").Fields["worker"].(string)
	m.awaitMembers(fmt.Sprintf("%s to be idle", worker), func(members []mapreduce.Member) bool {
		return slices.ContainsFunc(members, func(member mapreduce.Member) bool {
			return string(member.Worker) == id && len(member.Running) == 0
		})
	})
}

func (m *Machine) awaitMembers(what string, are func([]mapreduce.Member) bool) {
	m.t.Helper()
	AwaitTrue(m.t, what, func() bool {
		members, err := Ask(m, func(ctx context.Context, desk *bus.Desk) ([]mapreduce.Member, error) { return desk.Workers(ctx) })
		return err == nil && are(members) // without a leader there is no answer
	})
}
