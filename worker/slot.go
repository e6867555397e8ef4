package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"jetreduce/mapreduce"
)

// slot executes one task at a time. While it does, the one before is committed and settled, and when tasks are short the one after
// is asked for:
//
//	task 1   execute ──▶ commit, settle
//	task 2           ask ▪ execute ──────▶ commit, settle
//	task 3                           ask ▪ execute ──▶ …
type slot struct {
	*Worker
	classes   []mapreduce.Class // what it pulls
	backlog   Backlog           // nil: it never asks ahead
	recent    recent
	restraint restraint
	row       int // tasks one after the other that were asked for ahead
	settling  sync.WaitGroup
}

// slot makes one. Plans and finishes are as different as their jobs, so that none says how long the next will take.
func (w *Worker) slot(classes ...mapreduce.Class) *slot {
	s := &slot{Worker: w, classes: classes}
	if !s.io() {
		s.backlog, _ = w.Queue.(Backlog)
	}
	return s
}

// io reports whether the slot is that for plans and finishes.
func (s *slot) io() bool { return s.classes[0] == mapreduce.IO }

// serve is the life of a slot.
func (s *slot) serve(ctx context.Context) error {
	defer s.settling.Wait()
	var next *attempt
	for {
		if next == nil {
			delivery, err := s.Queue.Pull(ctx, s.classes...)
			if err != nil {
				return fmt.Errorf("worker %s: %w", s.ID, err)
			}
			next = s.receive(ctx, delivery)
		}
		next = s.run(ctx, next)
	}
}

// run executes a task, and returns the next one, if that is here. The one before must be settled by then: while the bus takes no
// commits, no more tasks are begun.
func (s *slot) run(ctx context.Context, a *attempt) (next *attempt) {
	take := s.ahead(ctx, a.task.Class)
	mine, settle := s.perform(ctx, a)
	s.settling.Wait()
	s.settling.Go(settle)
	if s.io() { // there is one plan and one finish a job: whoever cannot commit it does not take those of others
		s.settling.Wait()
	}
	if next = take(); next != nil {
		s.row++
	} else {
		s.row = 0
	}
	if mine {
		if !a.untried {
			s.recent.add(a.took)
		}
		return next
	}
	if next != nil {
		s.giveBack(ctx, next)
	}
	s.settling.Wait()
	rest(ctx)
	return nil
}

// notMineRest is for how long a slot that was given what it cannot do leaves the queue to others: it would be given the same again.
const notMineRest = time.Second

func rest(ctx context.Context) {
	timer := time.NewTimer(notMineRest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
