package onejob

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"jetreduce/bus/bustest"
)

// stranger is one that has the port. It says of each standby how it ends, and counts them.
type stranger struct {
	times int
	keeps func(ctx context.Context, registered func()) error
}

// queueBehind is the wait of a leader whose workers are gone, or are not.
func queueBehind(s *stranger, abandoned bool) *queue {
	q := (&member{Config: Config{Addr: "127.0.0.1:1", Log: bustest.Quiet()}}).queueUp(time.Now())
	q.abandoned = func(context.Context) bool { return abandoned }
	q.standBy = func(ctx context.Context, registered func()) error {
		s.times++
		return s.keeps(ctx, registered)
	}
	return q
}

// wait waits behind a stranger, for so long at most, and returns when it was taken for an original; 0: never.
func (q *queue) wait(t *testing.T, most time.Duration) time.Duration {
	t.Helper()
	defer q.leave()
	for began := time.Now(); time.Since(began) < most; {
		if q.behindStranger(t.Context()) != nil {
			return time.Since(began)
		}
	}
	return 0
}

func keepsFor(d time.Duration) func(context.Context, func()) error {
	return func(ctx context.Context, registered func()) error {
		registered()
		return pass(ctx, d)
	}
}

// An original hears of one backup, however long it is waited for, and is taken for one a while after that has registered.
func TestStrangerThatKeepsItsBackupIsAnOriginal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slow = 7 * time.Second // to be connected to
		s := &stranger{keeps: func(ctx context.Context, registered func()) error {
			_ = pass(ctx, slow)
			return keepsFor(time.Hour)(ctx, registered)
		}}
		if after := queueBehind(s, true).wait(t, time.Minute); after < slow+keptFor || after > slow+keptFor+2*lookEvery || s.times != 1 {
			t.Errorf("given up after %v, to a stranger that had %d backups", after, s.times)
		}
		s.times = 0
		if after := queueBehind(s, false).wait(t, time.Hour/2); after != 0 || s.times != 1 {
			t.Errorf("given up after %v though there are workers, to a stranger that had %d backups", after, s.times)
		}
	})
}

// Only who keeps a backup may be an original, and takes the job from us: none that cannot be reached, though that fails for want of time,
// and none that hangs up, however long that goes on.
func TestStrangerThatKeepsNoBackupIsNoOriginal(t *testing.T) {
	for name, keeps := range map[string]func(context.Context, func()) error{
		"cannot be connected to": func(ctx context.Context, _ func()) error {
			_ = pass(ctx, 10*time.Second)
			return fmt.Errorf("dial: %w", context.DeadlineExceeded) // as net's time-outs are
		},
		"hangs up at once": keepsFor(0),
		"hangs up later":   keepsFor(keptFor - lookEvery),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if after := queueBehind(&stranger{keeps: keeps}, true).wait(t, time.Hour); after != 0 {
					t.Errorf("taken for an original after %v", after)
				}
			})
		})
	}
}

// A leader that waits no more is nobody's backup any more.
func TestWaitThatEndsLeavesTheStranger(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var serving sync.WaitGroup
	left := make(chan error, 1)
	serving.Go(func() {
		conn, err := listener.Accept()
		for err == nil {
			_, err = conn.Read(make([]byte, 1<<10))
		}
		left <- err
	})
	q := (&member{Config: Config{Addr: listener.Addr().String(), Log: bustest.Quiet()}}).queueUp(time.Now())
	for q.vigil == nil || q.vigil.since.IsZero() {
		must(t, q.behindStranger(t.Context()))
	}
	q.leave()
	select {
	case <-left:
	case <-time.After(time.Minute):
		t.Error("it stays")
	}
	must(t, listener.Close())
	serving.Wait()
}
