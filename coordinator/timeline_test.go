package coordinator_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// timeline asks for the timeline of job u1.
func (s *scene) timeline() mapreduce.Timeline {
	s.t.Helper()
	for _, command := range s.state.Step(s.now, mapreduce.Asked{Want: mapreduce.WantTimeline, Job: "count", Reply: "r"}) {
		if a, is := command.(coordinator.Answer); is && a.Answer.Timeline != nil {
			return *a.Answer.Timeline
		}
	}
	s.t.Fatal("no timeline")
	return mapreduce.Timeline{}
}

// kept is the timeline that an event has the leader keep, which must come before what it is made of is forgotten.
func (s *scene) kept(event mapreduce.Event) (kept []mapreduce.Timeline) {
	s.t.Helper()
	for _, command := range s.state.Step(s.now, event) {
		switch c := command.(type) {
		case coordinator.KeepTimeline:
			kept = append(kept, c.Timeline)
		case coordinator.Forget:
			if len(kept) == 0 {
				s.t.Errorf("on %T the commits of %s are forgotten before its timeline is kept", event, c.UID)
			}
		}
	}
	return kept
}

// took is a commit of a task by a worker that took so long, and ended now.
func (s *scene) took(phase mapreduce.Phase, n int, worker mapreduce.WorkerID, took time.Duration) mapreduce.Commit {
	c := committed(phase, n)
	c.Attempt, c.Took, c.Ended = attempt(worker, uint32(n+1)), took, s.now.UnixMilli()
	return c
}

// runs is a heartbeat in which attempts have begun so long ago.
func (s *scene) runs(b mapreduce.Beat, ago time.Duration) mapreduce.Beat {
	b.At = s.now
	for i := range b.Running {
		b.Running[i].Since = s.now.Add(-ago)
	}
	return b
}

// outcomes is what has become of the attempts on a timeline, by name.
func outcomes(t mapreduce.Timeline) map[string]mapreduce.Outcome {
	outcomes := map[string]mapreduce.Outcome{}
	for _, a := range t.Attempts {
		outcomes[short(a.Task)+" "+a.Attempt.String()] = a.Outcome
	}
	return outcomes
}

func phaseOf(t *testing.T, timeline mapreduce.Timeline, name mapreduce.Phase) mapreduce.PhaseTimes {
	t.Helper()
	at := slices.IndexFunc(timeline.Phases, func(p mapreduce.PhaseTimes) bool { return p.Phase == name })
	if at < 0 {
		t.Fatalf("nothing is told of %s: %+v", name, timeline.Phases)
	}
	return timeline.Phases[at]
}

func TestTimelineTellsWhatHasBecomeOfEachAttempt(t *testing.T) {
	s := mapping(t, coordinator.Config{WorkerSilent: 2}, 5)
	s.wait(10 * time.Second)
	s.play(s.runs(beat("w1", task(mapreduce.Map, 0)), 2*time.Second), s.runs(beat("w2", task(mapreduce.Map, 1)), time.Second))
	s.play(s.runs(beat("w3", task(mapreduce.Map, 3), task(mapreduce.Map, 4)), 5*time.Second))
	oops := failed(mapreduce.Map, 2, 1)
	oops.At, oops.Took, oops.Reason = s.now, 3*time.Second, strings.Repeat("x", 5000)
	s.play(oops, s.took(mapreduce.Map, 3, "w9", 4*time.Second)) // which beats attempt 1 of w3
	s.wait(time.Second)
	left := beat("w3", task(mapreduce.Map, 3), task(mapreduce.Map, 4))
	left.Running = left.Running[1:]
	s.play(s.runs(left, 6*time.Second))
	lost := mapreduce.Failure{Version: 1, Task: task(mapreduce.Map, 1), Attempt: attempt("w2", 1), Lost: true, At: s.now, Reason: "silent"}
	s.play(mapreduce.Beat{Version: 1, Worker: "w2", Bye: true}, lost)

	got := s.timeline()
	want := map[string]mapreduce.Outcome{
		"plan.0 w-1": "committed", "map.0 w1-1": "running", "map.1 w2-1": "lost", "map.2 f-1": "failed", "map.3 w9-4": "committed",
		"map.3 w3-1": "beaten", "map.4 w3-2": "running",
	}
	if fmt.Sprint(outcomes(got)) != fmt.Sprint(want) || got.Hidden != 0 {
		t.Errorf("attempts:\n%v, want\n%v; %d hidden", outcomes(got), want, got.Hidden)
	}
	p := phaseOf(t, got, mapreduce.Map)
	if p.Tasks != 5 || p.Done != 1 || p.Running != 2 || p.Failed != 1 || p.Lost != 1 || p.Beaten != 1 || p.Took.Max != 4*time.Second {
		t.Errorf("maps: %+v", p)
	}
	if !p.Began.Equal(s.now.Add(-6*time.Second)) || !p.Ended.IsZero() {
		t.Errorf("maps from %s to %s, now it is %s", p.Began, p.Ended, s.now)
	}
	for _, a := range got.Attempts {
		if len(a.Reason) > 510 || a.Outcome == mapreduce.OutcomeFailed && (a.Reason == "" || a.Ended.Sub(a.Began) != 3*time.Second) {
			t.Errorf("attempt %+v", a)
		}
	}
}

func TestCountsOnATimelineAreThoseOfTheStatus(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 3)
	s.play(failed(mapreduce.Map, 0, 1), failed(mapreduce.Map, 0, 2), lostRuns(mapreduce.Map, 1, 3))
	got := s.timeline()
	p := phaseOf(t, got, mapreduce.Map)
	if a := got.Job.Attempts; p.Failed != a.Failed || p.Lost != a.Lost || a.Failed != 2 || a.Lost != 1 {
		t.Errorf("%+v, the status says %+v", p, a)
	}
}

// lostRuns is a failure that is not the attempt's own: a lane was gone.
func lostRuns(phase mapreduce.Phase, n int, by uint32) mapreduce.Failure {
	f := failed(phase, n, by)
	f.Laneless = true
	return f
}

func TestAttemptThatWasLostAndWinsIsShownOnce(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	s.play(mapreduce.Failure{Version: 1, Task: task(mapreduce.Map, 0), Attempt: attempt("w", 1), Lost: true, Reason: "silent"})
	s.play(s.took(mapreduce.Map, 0, "w", time.Second))
	got := s.timeline()
	if p := phaseOf(t, got, mapreduce.Map); p.Lost != 1 || p.Done != 1 {
		t.Errorf("%+v", p)
	}
	if fmt.Sprint(outcomes(got)) != "map[map.0 w-1:committed plan.0 w-1:committed]" || got.Hidden != 0 {
		t.Errorf("%v, %d hidden", outcomes(got), got.Hidden)
	}
}

func TestTimelineIsKeptWhenTheJobEndsAndDroppedWithIt(t *testing.T) {
	s := finishing(t)
	s.play(done())
	kept := s.kept(committed(mapreduce.Finish, 0))
	if len(kept) != 1 || kept[0].Job.State != mapreduce.Done || kept[0].Job.UID != "u1" || len(kept[0].Attempts) != 5 || kept[0].Earlier {
		t.Fatalf("kept: %+v", kept)
	}
	if again := s.timeline(); again.Job.State != mapreduce.Done || len(again.Phases) != 0 {
		t.Errorf("the leader still has %+v", again)
	}
	var dropped []mapreduce.UID
	for _, command := range s.state.Step(s.now, asked(mapreduce.WantRemove)) {
		if c, is := command.(coordinator.DropTimeline); is {
			dropped = append(dropped, c.UID)
		}
	}
	if fmt.Sprint(dropped) != "[u1]" {
		t.Errorf("dropped: %v", dropped)
	}
}

func TestAttemptsThatRunWhenTheJobEndsAreBeaten(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 2)
	s.play(s.runs(beat("w1", task(mapreduce.Map, 0)), time.Second))
	kept := s.kept(mapreduce.End{Version: 1, UID: "u1", State: mapreduce.Cancelled})
	if len(kept) != 1 || outcomes(kept[0])["map.0 w1-1"] != mapreduce.OutcomeBeaten || phaseOf(t, kept[0], mapreduce.Map).Running != 0 {
		t.Errorf("kept: %+v", kept)
	}
}

func TestLeaderThatTakesOverKnowsWhatRecordsTell(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping)...)
	oops := failed(mapreduce.Map, 1, 1)
	oops.At, oops.Took = s.now, time.Second
	s.play(planned(3), s.took(mapreduce.Map, 0, "w", 2*time.Second), oops, mapreduce.Replayed{})
	got := s.timeline()
	if want := "map[map.0 w-1:committed map.1 f-1:failed]"; fmt.Sprint(outcomes(got)) != want || !got.Earlier {
		t.Errorf("%v, want %s; earlier: %t", outcomes(got), want, got.Earlier)
	}
	if got.Hidden != 1 { // when the plan ended, its record does not say, and it was not now
		t.Errorf("%d hidden", got.Hidden)
	}
}

func TestJobWhoseLeaderDiedBeforeItWasSweptIsKept(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping, mapreduce.Failed)...)
	s.play(planned(3), s.took(mapreduce.Map, 0, "w", 2*time.Second))
	if kept := s.kept(mapreduce.Replayed{}); len(kept) != 1 || !kept[0].Earlier || kept[0].Job.State != mapreduce.Failed {
		t.Errorf("kept: %+v", kept)
	}
}

func TestStragglersAndTheSlowestAreShownOfManyTasks(t *testing.T) {
	const tasks, slow = 5000, 4321
	s := mapping(t, coordinator.Config{}, tasks)
	for n := range tasks {
		s.now = s.now.Add(time.Millisecond)
		took := time.Second + time.Duration(n%100)*time.Millisecond
		if n == slow {
			took = 20 * time.Second
		}
		s.state.Step(s.now, s.took(mapreduce.Map, n, mapreduce.WorkerID(fmt.Sprintf("w%d", n%300)), took))
	}
	got := s.timeline()
	p := phaseOf(t, got, mapreduce.Map)
	usual := p.Took.Median >= time.Second && p.Took.Median <= 1100*time.Millisecond
	if p.Slowest == nil || p.Slowest.Task.N != slow || p.Took.Max != 20*time.Second || !usual {
		t.Errorf("maps: %+v", p)
	}
	if n := len(got.Attempts); n < mapreduce.MaxTimeline/2 || n > mapreduce.MaxTimeline || n+got.Hidden != tasks+1 {
		t.Errorf("%d attempts, %d hidden", len(got.Attempts), got.Hidden)
	}
	var stragglers []int
	for _, a := range got.Attempts {
		if a.Straggler {
			stragglers = append(stragglers, a.Task.N)
		}
	}
	if fmt.Sprint(stragglers) != fmt.Sprint([]int{slow}) {
		t.Errorf("stragglers: %v", stragglers)
	}
	if !slices.IsSortedFunc(got.Attempts, func(a, b mapreduce.AttemptTime) int { return a.Began.Compare(b.Began) }) {
		t.Error("attempts are not by their beginning")
	}
	if len(got.Workers) != mapreduce.MaxTimelineShares || got.HiddenWorkers != 101 {
		t.Errorf("%d workers, %d hidden", len(got.Workers), got.HiddenWorkers)
	}
}

// The longest names, the most attempts, and reasons of which each byte takes six as JSON.
func TestTimelineOfTheLongestValuesFitsAMessage(t *testing.T) {
	s := leading(t, coordinator.Config{MaxFailures: 1 << 20, MaxLosses: 1 << 20, MinWindow: 3000})
	job := count()
	job.Reduces, job.Output.To = mapreduce.MaxPartitions, "file:///"+strings.Repeat("<", 4000)
	s.play(submitted(1, job), planned(mapreduce.MaxSplits))
	name := func(n int) mapreduce.WorkerID {
		return mapreduce.WorkerID(fmt.Sprintf("%s%05d", strings.Repeat("w", 59), n))
	}
	for n := range 1500 {
		worker := name(n)
		running := beat(worker, task(mapreduce.Map, mapreduce.MaxSplits-1-n))
		running.Host, running.At = strings.Repeat("&", 255), s.now
		running.Running[0].Since, running.Running[0].Speculative = s.now.Add(-time.Second), true
		s.state.Step(s.now, running)
		oops := failed(mapreduce.Map, n, uint32(n))
		oops.Attempt.Worker, oops.At, oops.Took, oops.Speculative = worker, s.now.Add(123*time.Microsecond), time.Hour, true
		oops.Reason = strings.Repeat("<\x01", 4000)
		s.state.Step(s.now, oops)
		c := s.took(mapreduce.Map, n, worker, time.Minute)
		c.Attempt.N, c.Speculative = 1<<32-1, true
		s.state.Step(s.now, c)
	}
	got := s.timeline()
	text, err := json.Marshal(got)
	if err != nil || len(text) > mapreduce.MaxMessage {
		t.Fatalf("%d bytes, %d at most: %v", len(text), mapreduce.MaxMessage, err)
	}
	t.Logf("%d bytes, %d attempts", len(text), len(got.Attempts))
	if len(got.Attempts) < 200 || len(got.Attempts)+got.Hidden != 4501 {
		t.Errorf("%d attempts, %d hidden", len(got.Attempts), got.Hidden)
	}
}

func TestSkewIsTheLargestPartitionsAndTheMean(t *testing.T) {
	s := leading(t, coordinator.Config{})
	job := count()
	job.Reduces = 300
	s.play(submitted(1, job), planned(1), committed(mapreduce.Map, 0))
	for n := range 300 {
		c := committed(mapreduce.Reduce, n)
		c.Counts = mapreduce.Counts{Records: int64(100 + n), Groups: 7, Rows: 7}
		s.state.Step(s.now, c)
	}
	got := s.timeline()
	if len(got.Partitions) != mapreduce.MaxTimelinePartition || got.HiddenPartitions != 100 || got.MeanPartition != 249 {
		t.Errorf("%d partitions, %d hidden, mean %d", len(got.Partitions), got.HiddenPartitions, got.MeanPartition)
	}
	if first, last := got.Partitions[0], got.Partitions[199]; first.Partition != 299 || first.Records != 399 || last.Partition != 100 {
		t.Errorf("from %+v to %+v", first, last)
	}
}
