package worker

import (
	"strings"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// queuedAgo is a delivery of a finish that was put into the queue so long ago.
func queuedAgo(t *testing.T, s *surroundings, age time.Duration) (mapreduce.Delivery, string) {
	t.Helper()
	task, path := finishing(t, s, "b a b")
	d := delivery(task)
	d.Queued = time.Now().Add(-age).Round(0) // as it comes from the bus: without this machine's own clock
	return d, path
}

// Its job may have been removed since, and nobody remembers.
func TestFinishThatWasQueuedTooLongAgoIsNotBegun(t *testing.T) {
	s := newSurroundings()
	d, path := queuedAgo(t, s, mapreduce.LongestFinish/2+time.Minute)
	s.worker(t).attempt(t.Context(), d)
	checkCalls(t, s, "discard r0")
	checkOutput(t, path, "")
}

func TestFinishThatWaitedForAWhileIsBegun(t *testing.T) {
	s := newSurroundings()
	d, path := queuedAgo(t, s, mapreduce.LongestFinish/2-time.Minute)
	s.worker(t).attempt(t.Context(), d)
	checkOutput(t, path, "a\t1\nb\t2\n")
}

// Else no job of a worker with a wrong clock would ever end.
func TestFinishIsBegunByAMachineWhoseClockIsWrong(t *testing.T) {
	s := newSurroundings()
	d, path := queuedAgo(t, s, 2*mapreduce.LongestFinish)
	s.clock = d.Queued.Add(time.Minute)
	s.worker(t).attempt(t.Context(), d)
	checkOutput(t, path, "a\t1\nb\t2\n")
}

// It would begin whatever it gets.
func TestFinishIsNotBegunByAMachineWhoseClockIsBehind(t *testing.T) {
	s := newSurroundings()
	d, path := queuedAgo(t, s, -mapreduce.LongestFinish)
	s.clock = d.Queued.Add(mapreduce.LongestFinish)
	s.worker(t).attempt(t.Context(), d)
	checkCalls(t, s, "discard r0")
	checkOutput(t, path, "")
}

// The clock of a machine is set right while it works.
func TestClockThatIsSetDuringAFinishFailsNoJob(t *testing.T) {
	s := newSurroundings()
	d, path := queuedAgo(t, s, time.Minute)
	w := s.worker(t)
	a := w.receive(t.Context(), d)
	defer w.release(a)
	a.queued = a.queued.Add(-2 * mapreduce.LongestFinish) // as it seems afterwards
	if _, err := w.finish(t.Context(), a); err != nil {
		t.Error(err)
	}
	checkOutput(t, path, "a\t1\nb\t2\n")
}

// It was frozen in between, with its machine.
func TestFinishThatTookTooLongDecidesNothing(t *testing.T) {
	s := newSurroundings()
	d, path := queuedAgo(t, s, mapreduce.LongestFinish+time.Minute)
	w := s.worker(t)
	a := w.receive(t.Context(), d)
	defer w.release(a)
	_, err := w.finish(t.Context(), a)
	if !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "finish took longer than 24h") || s.end != nil {
		t.Errorf("error %v, end %+v", err, s.end)
	}
	checkOutput(t, path, "")
}

// A map of an old job commits what nobody reads: that is no harm.
func TestMapMayWaitForLong(t *testing.T) {
	s := newSurroundings()
	d := delivery(planned(t, s, "wordcount", "a b")[0])
	d.Queued = time.Now().Add(-30 * 24 * time.Hour)
	s.worker(t).attempt(t.Context(), d)
	if _, committed := s.commits[d.Task.ID]; !committed {
		t.Errorf("commits %v", s.commits)
	}
}
