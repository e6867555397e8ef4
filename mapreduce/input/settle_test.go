package input

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"jetreduce/mapreduce"
)

// stamped is a file whose times are so long ago.
func stamped(mtime, ctime time.Duration) identity {
	now := time.Now()
	return identity{mtime: now.Add(-mtime).UnixNano(), ctime: now.Add(-ctime).UnixNano()}
}

func TestSettleWaitsOutTheTickOfTheClock(t *testing.T) {
	const odd = 3 * time.Millisecond // no time of a whole second
	tests := []struct {
		claim        string
		mtime, ctime time.Duration
		want         time.Duration
	}{
		{"long ago", time.Hour, time.Hour + odd, 0},
		{"just edited", 0, odd, tick},
		{"an old copy, just made", time.Hour, odd, tick - odd},
		{"edited a while ago", 15 * time.Millisecond, 15 * time.Millisecond, 5 * time.Millisecond},
		{"a little ahead of our clock", -odd, -odd, tick + odd},
		{"a time far in the future", -time.Hour, time.Hour + odd, 0},
		{"a clock of whole seconds", time.Second, time.Second, time.Second},
		{"a clock of whole seconds, long ago", 3 * time.Second, 3 * time.Second, 0},
	}
	for _, test := range tests {
		t.Run(test.claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, id := time.Now(), stamped(test.mtime, test.ctime)
				got, err := settle(t.Context(), "a", func() (identity, error) { return id, nil })
				if err != nil || got != id {
					t.Fatalf("%v, %v", got, err)
				}
				if waited := time.Since(began); waited != test.want {
					t.Errorf("waited %v, want %v", waited, test.want)
				}
			})
		})
	}
}

func TestFileThatIsNeverQuietIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := settle(t.Context(), "a.log", func() (identity, error) { return stamped(time.Millisecond, time.Millisecond), nil })
		wantError(t, err, "input changed: a.log: is written to while the job is planned")
		if !errors.Is(err, mapreduce.ErrInputChanged) {
			t.Error("does not wrap ErrInputChanged")
		}
	})
}

func TestSettleTakesTheLastLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		got, err := settle(t.Context(), "a", func() (identity, error) {
			looks++
			id := stamped(time.Millisecond, time.Millisecond)
			if looks == 3 {
				id = stamped(time.Minute, time.Minute)
			}
			id.size = int64(looks)
			return id, nil
		})
		if err != nil || got.size != 3 {
			t.Errorf("look %d: %v", got.size, err)
		}
	})
}

func TestCancelledSettleEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := settle(ctx, "a", func() (identity, error) { return stamped(0, 0), nil })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
