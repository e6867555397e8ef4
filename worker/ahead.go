package worker

import (
	"context"
	"errors"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// A slot whose tasks are short asks for the next one a moment before it is free, so that the way to the queue and back is no gap
// between two tasks. It takes only what waits while nobody has a free slot for it, holds one task at most, and for a moment at most:
//
//	begun                        usual - askAhead   usual      usual + holdOn
//	  ├──────── execute ─────────────────┼────────────┼───────────────┤
//	                                     ask, hold ···┴ begin ······· or hand back
//
// What is held is registered as any attempt is: heartbeats name it, the queue hears of it, and the end of its job ends it.
//
// Where no tasks wait, it is no use to ask: after an ask in vain the slot lets a task pass without one, after another two, and so on.

const (
	// shortTask: a task that takes as long gains nothing from the milliseconds of a pull.
	shortTask = time.Second
	// askAhead is how long before it is free a slot asks: a pull takes as long on a bus that is busy, or some way off.
	askAhead = 20 * time.Millisecond
	// holdOn is for how long after that a task waits for a slot that is free later than usual: longer than tasks that are alike
	// differ, and shorter than anybody notices.
	holdOn = 50 * time.Millisecond
	// mostPassed bounds for how many tasks a slot does not ask: as many gaps there may be when tasks begin to wait again.
	mostPassed = 16
	// mostInARow bounds how many tasks of one class a slot of several takes ahead, one after the other: those of the others would wait
	// until none is left. Then it pulls, and gets one of either.
	mostInARow = 8
)

// recent is how long the last tasks of a slot took.
type recent struct {
	took  [3]time.Duration
	tasks int
}

func (r *recent) add(took time.Duration) {
	r.took[r.tasks%len(r.took)] = took
	r.tasks++
}

// usual is the longest of them: who asks too late loses a moment of his own, who asks too early one of others. Short: there have
// been some, and all were.
func (r *recent) usual() (usual time.Duration, short bool) {
	usual = slices.Max(r.took[:])
	return usual, r.tasks >= len(r.took) && usual < shortTask
}

// restraint is for how many tasks a slot does not ask.
type restraint struct {
	last int // after it asked last
	left int
}

// pass reports whether it is too soon to ask, at each task once.
func (r *restraint) pass() bool {
	if r.left == 0 {
		return false
	}
	r.left--
	return true
}

// learn notes whether it was of use to ask.
func (r *restraint) learn(found bool) {
	if found {
		*r = restraint{}
		return
	}
	r.last = min(max(1, 2*r.last), mostPassed)
	r.left = r.last
}

// ahead begins to ask for the next task, for when the one that is about to begin has been executed. Then take returns it, or nil,
// and must be called.
func (s *slot) ahead(ctx context.Context, class mapreduce.Class) (take func() *attempt) {
	usual, short := s.recent.usual()
	if s.backlog == nil || !short || len(s.classes) > 1 && s.row == mostInARow || s.restraint.pass() {
		return func() *attempt { return nil }
	}
	free, held := make(chan struct{}), make(chan *attempt, 1)
	go func() { held <- s.ask(ctx, asking{class, usual, free}) }()
	return func() *attempt {
		close(free)
		return <-held
	}
}

// asking is what a slot asks for while it executes a task of that class.
type asking struct {
	class mapreduce.Class
	usual time.Duration
	free  <-chan struct{}
}

// ask asks for a task when the slot will soon be free, and holds it until it is.
func (s *slot) ask(ctx context.Context, next asking) *attempt {
	bounded, cancel := context.WithTimeout(ctx, next.usual+holdOn)
	defer cancel()
	soon := time.NewTimer(next.usual - askAhead)
	defer soon.Stop()
	select {
	case <-soon.C:
	case <-next.free: // sooner than usual: an ordinary pull is as good
		return nil
	case <-bounded.Done():
		return nil
	}
	delivery, found := s.backlog.Waiting(bounded, next.class)
	s.restraint.learn(found)
	if !found {
		return nil
	}
	a := s.receive(ctx, delivery)
	if a.avoided() || !hold(bounded, a, next.free) {
		s.giveBack(ctx, a)
		return nil
	}
	return a
}

// hold waits for a slot, and reports whether it is free in time.
func hold(ctx context.Context, a *attempt, free <-chan struct{}) bool {
	select {
	case <-free:
		return true
	case <-ctx.Done():
	case <-a.life.Done():
	}
	return false
}

// giveBack gives up a task that was not begun. No attempt is charged.
func (w *Worker) giveBack(ctx context.Context, a *attempt) {
	how := mapreduce.HandBack
	switch {
	case errors.Is(context.Cause(a.life), errOver):
		how = mapreduce.Discard
	case a.avoided():
		how = a.leave()
	}
	w.settle(ctx, a, how)
	w.release(a)
}
