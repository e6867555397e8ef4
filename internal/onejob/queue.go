package onejob

import (
	"context"
	"fmt"
	"time"

	"jetreduce/internal/roles"
	"jetreduce/tcp"
)

// A leader that finds the port taken waits for it. Who has it decides how long:
//
//	has the claim ──▶ one of ours that leads no more: it frees the port when it finds out, and when it dies.
//	                  While it stands still it can do neither, and is waited for, for ever: resumed or killed, it lets go
//	has it not ─────▶ a stranger. It is an original if it keeps who registers as its backup. The workers of a job that was served
//	                  before, and has none any more, are that original's then, and so is the result: this process gives up.
//	                  Any other is waited for, for ever: somebody must stop it
const (
	// keptFor is how long a stranger must keep a backup to be taken for an original, which says nothing to one as long as nothing is done.
	keptFor = 15 * time.Second
	// leaveFor is how long one of ours may take to find out that it leads no more, before there are words about it.
	leaveFor = time.Second
	// claimEvery is how often the claim is looked at.
	claimEvery = 50 * time.Millisecond
	// lookEvery is how often the port of a stranger is, which may free it and keep its backups.
	lookEvery = time.Second
)

// queue is the wait of a leader for the port.
type queue struct {
	Config
	ours, strangers reminder
	abandoned       func(context.Context) bool                         // member.abandoned
	standBy         func(ctx context.Context, registered func()) error // tcp.Standby
	vigil           *vigil                                             // nil: none
}

// vigil is a time as a stranger's backup, of which there is one at a time and no second as long as it lasts: an original tells all of its
// workers of each that comes.
type vigil struct {
	began chan time.Time // it has registered
	since time.Time      // it registered; zero: not yet
	over  chan error     // the stranger has ended it, or is none that speaks the protocol
	end   context.CancelFunc
}

func (m *member) queueUp(now time.Time) *queue {
	return &queue{
		Config: m.Config, ours: remindFrom(now.Add(leaveFor)), strangers: remindFrom(now), abandoned: m.abandoned,
		standBy: func(ctx context.Context, registered func()) error {
			return tcp.Standby(ctx, m.Addr, m.announce(), registered)
		},
	}
}

// behindOurs waits a moment for a process of ours, which may not have said yet which it is.
func (q *queue) behindOurs(ctx context.Context, pid int) {
	if q.ours.due(time.Now()) {
		how := []any{"addr", q.Addr}
		if pid > 0 {
			how = append(how, "pid", pid, "resume", fmt.Sprintf("kill -CONT %d", pid), "kill", fmt.Sprintf("kill -KILL %d", pid))
		}
		q.Log.Warn("a coordinator of this port leads no more, and still has it: if it stands still, resume it or kill it", how...)
	}
	_ = pass(ctx, claimEvery)
}

// behindStranger is a stranger's backup, and returns after a moment; it stays one until leave. An error: the job is the stranger's.
func (q *queue) behindStranger(ctx context.Context) error {
	if q.strangers.due(time.Now()) {
		q.Log.Warn("another program has the port: waits for it. Stop that one, or start again with another -p", "addr", q.Addr)
	}
	if q.vigil == nil {
		q.vigil = q.watch(ctx)
	}
	select {
	case q.vigil.since = <-q.vigil.began:
	case <-q.vigil.over:
		q.vigil.end()
		q.vigil = nil
		_ = pass(ctx, standAgain)
		return nil
	case <-time.After(lookEvery):
	case <-ctx.Done():
		return nil
	}
	if q.vigil.lasts() && q.abandoned(ctx) {
		return fmt.Errorf("an original coordinator has %s, and no worker is left to this job: the workers and the result are its, "+
			"and no output was written here", q.Addr)
	}
	return nil
}

// watch begins a vigil.
func (q *queue) watch(ctx context.Context) *vigil {
	ctx, cancel := context.WithCancel(ctx)
	v := &vigil{began: make(chan time.Time, 1), over: make(chan error, 1), end: cancel}
	go func() { v.over <- q.standBy(ctx, func() { v.began <- time.Now() }) }()
	return v
}

// lasts reports whether the stranger has kept its backup for long.
func (v *vigil) lasts() bool { return !v.since.IsZero() && time.Since(v.since) >= keptFor }

// leave ends the vigil, if there is one.
func (q *queue) leave() {
	if q.vigil == nil {
		return
	}
	q.vigil.end()
	<-q.vigil.over
	q.vigil = nil
}

// abandoned reports whether the job was served before, and has no worker now.
func (m *member) abandoned(ctx context.Context) bool {
	if !m.served.Load() {
		return false
	}
	list, err := m.b.Desk().Workers(ctx)
	for _, w := range list {
		if w.Slots[roles.Class] > 0 {
			return false
		}
	}
	return err == nil
}
