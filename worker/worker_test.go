package worker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"jetreduce/mapreduce"
)

// running starts a worker on one task whose mapper waits until the worker is told to stop. What it returns does that, and
// waits until the worker has ended.
func running(t *testing.T, s *surroundings, patience time.Duration) (stop func() error) {
	t.Helper()
	task := planned(t, s, "waits", "a")[0]
	waits := program("waits", func(ctx context.Context, _ mapreduce.Batch, _ mapreduce.Output) error {
		<-ctx.Done()
		return ctx.Err()
	})
	s.deliveries <- mapreduce.Delivery{Task: task, Receipt: "r0", Patience: patience}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	w := s.worker(t, waits)
	go func() { ended <- w.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

func TestHeartbeatsListWhatIsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSurroundings()
		s.beats = make(chan mapreduce.Beat, 1000)
		stop := running(t, s, time.Minute)
		synctest.Wait()
		begun := time.Now()
		<-s.beats // of the start: the task may not have been pulled
		beat := <-s.beats
		if len(beat.Running) != 1 || beat.Running[0].Receipt != "r0" || beat.Running[0].Task != taskID(mapreduce.Map, 0) {
			t.Errorf("beat %+v", beat)
		}
		if got := time.Since(begun); got > 500*time.Millisecond {
			t.Errorf("%s between two beats", got)
		}
		if beat.Worker != "w" || beat.Slots["test"] != 1 || beat.Slots[mapreduce.IO] != 1 || beat.Bye {
			t.Errorf("beat %+v", beat)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A worker that dies takes to its grave what no heartbeat has named: that waits for the ack deadline.
func TestAttemptThatBeginsIsNamedInAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSurroundings()
		s.beats = make(chan mapreduce.Beat, 1000)
		begun := time.Now()
		stop := running(t, s, time.Minute)
		for beat := range s.beats {
			if len(beat.Running) == 1 {
				break
			}
		}
		if got := time.Since(begun); got > 50*time.Millisecond {
			t.Errorf("no heartbeat named the attempt for %s", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Who has said good-bye has nothing any more: the leader does not look for its tasks.
func TestStoppedWorkerHandsBackAndThenSaysGoodBye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSurroundings()
		stop := running(t, s, time.Minute)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Errorf("told to stop, it returned %v", err)
		}
		checkCalls(t, s, "load chunk 0", "hand back r0", "good-bye")
	})
}

func TestRollIsAnsweredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSurroundings()
		s.beats = make(chan mapreduce.Beat, 1000)
		stop := running(t, s, time.Minute)
		synctest.Wait()
		<-s.beats // of the start
		begun := time.Now()
		s.answer()
		if beat := <-s.beats; len(beat.Running) != 1 || time.Since(begun) != 0 {
			t.Errorf("after %s: %+v", time.Since(begun), beat)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestQueueHearsOfATaskAtAThirdOfItsPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSurroundings()
		s.extended = make(chan extension, 1000)
		stop := running(t, s, 9*time.Second)
		begun := time.Now()
		for n := 1; n <= 3; n++ {
			e := <-s.extended
			if want := time.Duration(n) * 3 * time.Second; e.receipt != "r0" || e.at.Sub(begun) != want {
				t.Errorf("%s extended after %s, want r0 after %s", e.receipt, e.at.Sub(begun), want)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// broken is a queue that gives up.
type broken struct{ Queue }

func (broken) Pull(context.Context, ...mapreduce.Class) (mapreduce.Delivery, error) {
	return mapreduce.Delivery{}, errors.New("the bus is gone")
}

func TestWorkerEndsWithItsQueue(t *testing.T) {
	s := newSurroundings()
	w := s.worker(t)
	w.Queue = broken{s}
	if err := w.Run(t.Context()); err == nil || err.Error() != "worker w: the bus is gone" {
		t.Errorf("error %v", err)
	}
}
