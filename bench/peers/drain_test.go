package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a pool whose workers are done before its server is.
type fake struct {
	lost, queued int
	handle       time.Duration // until all tasks were handled
	settle       time.Duration // from then until the server holds none
	failure      error         // ends the workers at once
	emptyAt      time.Time
}

func (f *fake) Fill(_ context.Context, tasks int) error {
	f.queued = tasks
	return nil
}

func (f *fake) Work(ctx context.Context, handled func()) error {
	if f.failure != nil {
		return f.failure
	}
	select {
	case <-time.After(f.handle):
	case <-ctx.Done():
		return nil
	}
	f.emptyAt = time.Now().Add(f.settle)
	for range f.queued {
		handled()
	}
	<-ctx.Done()
	return nil
}

func (f *fake) Left(context.Context) (int, error) {
	if !f.emptyAt.IsZero() && !time.Now().Before(f.emptyAt) {
		return 0, nil
	}
	return f.queued - f.lost, nil
}

func TestClockStopsWhenTheServerHoldsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, err := drain(t.Context(), &fake{handle: time.Second, settle: 2 * time.Second}, 1000)
		if took < 3*time.Second || took > 3*time.Second+emptyPoll || err != nil {
			t.Errorf("%v, %v: handled after 1s, empty after 3s", took, err)
		}
	})
}

func TestTaskThatIsNotQueuedIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if _, err := drain(t.Context(), &fake{lost: 1}, 1000); err == nil || !strings.Contains(err.Error(), "999 of 1000") {
			t.Errorf("%v: one of 1000 was lost before the clock started", err)
		}
	})
}

func TestWorkersThatEndEarlyAreAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("boom")
		if _, err := drain(t.Context(), &fake{failure: boom}, 10); !errors.Is(err, boom) {
			t.Errorf("%v: the workers ended with %v", err, boom)
		}
	})
}

func TestInterruptEndsAMeasurement(t *testing.T) {
	for name, f := range map[string]*fake{
		"while tasks are handled":  {handle: time.Hour},
		"while the server settles": {settle: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := drain(ctx, f, 10); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}
