package streaming_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs/streaming"
)

// stopped is a clock that a test sets.
type stopped struct {
	now   atomic.Int64
	ticks chan time.Time
}

func (s *stopped) config() streaming.Config {
	s.ticks = make(chan time.Time)
	return streaming.Config{Grace: time.Millisecond}.WithClock(func() time.Time { return time.Unix(0, s.now.Load()) }, s.ticks)
}

// later is a time later. Of two moments to look, the first has been looked at when the second is taken.
func (s *stopped) later(t *testing.T, d time.Duration, failed <-chan error) (over bool) {
	t.Helper()
	s.now.Add(int64(d))
	for range 2 {
		select {
		case s.ticks <- time.Time{}:
		case err := <-failed:
			t.Errorf("after %s: %v", time.Duration(s.now.Load()), err)
			return true
		case <-time.After(deadline):
			t.Fatal("nobody looks for silence")
		}
	}
	return false
}

// Whoever gives no sign of life is killed; a line on stderr or on stdout is one.
func TestSilentCommandIsKilledAndSignsOfLifeKeepItAlive(t *testing.T) {
	var clock stopped
	d := newDriver(t, mapOnly(`while read -r line; do printf '%s\n' "$line" >&2; done < words; `+held))
	d.config = clock.config()
	heard := make(chan string, 16)
	d.task.Log = func(line string) { heard <- line }
	holder := fifo(t, d.task.Dir, "held")
	fifo(t, d.task.Dir, "never")
	fifo(t, d.task.Dir, "words")
	words := writing(t, d.task.Dir, "words")
	failed, _ := mapping(t, d)
	for range 5 {
		if clock.later(t, 9*time.Minute, failed) {
			return
		}
		if _, err := words.WriteString("alive\n"); err != nil {
			t.Fatal(err)
		}
		<-heard
	}
	_ = words.Close()
	reader, _ := firstLine(t, holder)
	clock.later(t, 9*time.Minute, failed)
	clock.now.Add(int64(time.Minute))
	var err error
	select {
	case clock.ticks <- time.Time{}:
		err = result(t, failed)
	case err = <-failed:
	}
	for _, part := range []string{"on a from byte 0: silent for 10m0s: ", "`reporter:status:`", "--silence",
		"; its last words:\nalive\nalive"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v; want %q in it", err, part)
		}
	}
	ended(t, reader)
}

// The same in real time, once.
func TestSilenceIsThatOfTheJob(t *testing.T) {
	d := newDriver(t, mapreduce.Commands{Map: `exec 8< never`, Silence: 1})
	fifo(t, d.task.Dir, "never")
	failed, _ := mapping(t, d)
	if err := result(t, failed); err == nil || !strings.Contains(err.Error(), "silent for 1s: ") {
		t.Errorf("%v, want that it was silent", err)
	}
}
