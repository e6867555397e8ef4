package coordinator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

func (s *scene) vitals() mapreduce.Vitals {
	s.t.Helper()
	for _, command := range s.state.Step(s.now, mapreduce.Asked{Want: mapreduce.WantVitals, Reply: "r"}) {
		if a, is := command.(coordinator.Answer); is && a.Answer.Vitals != nil && a.View {
			return *a.Answer.Vitals
		}
	}
	s.t.Fatal("no vitals")
	return mapreduce.Vitals{}
}

func TestVitalsCountWhatHappensAndWhatWaits(t *testing.T) {
	s := newScene(t, coordinator.Config{Process: "here-1", WorkerSilent: 2})
	s.play(mapreduce.Replayed{})
	began := s.now
	s.play(beat("w1"), beat("w2"), submitted(1, count()), planned(4))
	s.now = s.now.Add(3 * time.Second)
	c := s.took(mapreduce.Map, 0, "w1", 2*time.Second)
	c.Counts = mapreduce.Counts{Bytes: 100, Shuffled: 30}
	s.play(c, failed(mapreduce.Map, 1, 1)) // which is queued again, now
	s.play(s.runs(beat("w1", task(mapreduce.Map, 2)), time.Second))
	s.now = s.now.Add(time.Second)
	got := s.vitals()
	want := mapreduce.Vitals{
		Epoch: 7, Leader: "here-1", Since: began, Jobs: map[mapreduce.State]int{mapreduce.Mapping: 1},
		Tasks: []mapreduce.PhaseVitals{
			{Phase: mapreduce.Plan, Committed: 1},
			{Phase: mapreduce.Map, Queued: 2, Running: 1, Committed: 1, Failed: 1, Took: 2 * time.Second},
			{Phase: mapreduce.Reduce}, {Phase: mapreduce.Finish},
		},
		Queues: []mapreduce.QueueVitals{{Pool: "default", Class: "builtin", Waiting: 2, Oldest: 4 * time.Second}},
		Bytes:  mapreduce.ByteCounts{In: 100, Shuffled: 30}, Workers: 2,
		Slots: map[mapreduce.Class]int{"builtin": 2}, Busy: map[mapreduce.Class]int{"builtin": 1}, Ended: map[mapreduce.State]int64{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("vitals (-want +got):\n%s", diff)
	}
	for range 4 {
		s.play(beat("w2"), mapreduce.Tick{})
	}
	s.play(mapreduce.End{Version: 1, UID: "u1", State: mapreduce.Cancelled})
	got = s.vitals()
	if got.Lost != 1 || got.Workers != 1 || got.Ended[mapreduce.Cancelled] != 1 || got.Jobs[mapreduce.Cancelled] != 1 || len(got.Jobs) != 1 {
		t.Errorf("after a loss and a cancel: %+v", got)
	}
}

func TestVitalsBeginWithTheLeadership(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping)...)
	s.play(planned(3), committed(mapreduce.Map, 0), mapreduce.Replayed{})
	if got := s.vitals(); got.Tasks[1].Committed != 0 || got.Jobs[mapreduce.Mapping] != 1 {
		t.Errorf("of an earlier leadership: %+v", got)
	}
	s.play(committed(mapreduce.Map, 1))
	if got := s.vitals(); got.Tasks[1].Committed != 1 {
		t.Errorf("of this one: %+v", got)
	}
}

func TestVitalsCountTasksThatRunAgain(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 3)
	s.play(committed(mapreduce.Map, 0), committed(mapreduce.Map, 1), committed(mapreduce.Map, 2))
	missing := failed(mapreduce.Reduce, 0, 1)
	missing.Missing, missing.Seen = mapreduce.RangesOf(1, 2), 1
	s.play(missing)
	s.wait(2 * time.Second)
	s.play(mapreduce.Tick{})
	if got := s.vitals(); got.Tasks[1].Repeated != 2 || got.Tasks[2].Lost != 1 {
		t.Errorf("after two maps' output was lost: %+v", got.Tasks)
	}
}

// past is a leader of so many jobs that are done, and workers.
func past(t testing.TB, jobs int) (*coordinator.State, time.Time) {
	now := time.Unix(1000, 0).UTC()
	s := coordinator.NewState(coordinator.Config{Epoch: 7})
	for n := range jobs {
		spec := count()
		spec.ID = mapreduce.JobID(fmt.Sprintf("job-%d", n))
		uid := mapreduce.UID(fmt.Sprintf("u%d", n))
		at := now.Add(time.Duration(n) * time.Millisecond)
		s.Step(now, mapreduce.Restored{Record: mapreduce.Record{
			Version: 1, UID: uid, Job: spec.ID, State: mapreduce.Queued, At: at, Seq: uint64(n + 1), Spec: &spec,
		}})
		s.Step(now, mapreduce.Restored{Record: mapreduce.Record{
			Version: 1, UID: uid, Job: spec.ID, State: mapreduce.Done, At: at, Swept: true,
			Summary: &mapreduce.Summary{Maps: 3, Done: 3, Reduces: 2, Reduced: 2, Ended: at},
		}})
	}
	s.Step(now, mapreduce.Replayed{})
	for n := range 10 {
		s.Step(now, beat(mapreduce.WorkerID(fmt.Sprintf("w%d", n))))
	}
	s.Step(now, mapreduce.Tick{})
	return s, now
}

func TestTickCostsTheSameWithManyJobsThatHaveEnded(t *testing.T) {
	for name, event := range map[string]mapreduce.Event{
		"tick": mapreduce.Tick{}, "look at the queue": mapreduce.QueueSeen{Class: "builtin"}, "heartbeat": beat("w0"),
		"vitals": mapreduce.Asked{Want: mapreduce.WantVitals, Reply: "r"},
	} {
		cost := func(jobs int) float64 {
			s, now := past(t, jobs)
			return testing.AllocsPerRun(20, func() { s.Step(now, event) })
		}
		if few, many := cost(1), cost(3000); many > few {
			t.Errorf("a %s makes %.1f allocations with one job that has ended, %.1f with 3000", name, few, many)
		}
	}
}

func TestVitalsCountJobsByState(t *testing.T) {
	s, now := past(t, 50)
	states := func() map[mapreduce.State]int {
		return s.Step(now, mapreduce.Asked{Want: mapreduce.WantVitals, Reply: "r"})[0].(coordinator.Answer).Answer.Vitals.Jobs
	}
	if got := states(); got[mapreduce.Done] != 50 || len(got) != 1 {
		t.Errorf("of 50 jobs: %v", got)
	}
	s.Step(now, mapreduce.Asked{Want: mapreduce.WantRemove, Job: "job-3", Reply: "r"})
	again := count()
	s.Step(now, mapreduce.Submitted{UID: "new", Job: again})
	if got := states(); got[mapreduce.Done] != 49 || got[mapreduce.Planning] != 1 || len(got) != 2 {
		t.Errorf("one removed, one new: %v", got)
	}
	s.Step(now, mapreduce.End{Version: 1, UID: "new", State: mapreduce.Failed, Reason: "r"})
	if got := states(); got[mapreduce.Failed] != 1 || len(got) != 2 {
		t.Errorf("it failed: %v", got)
	}
	s.Step(now, mapreduce.Asked{Want: mapreduce.WantRemove, Job: again.ID, Reply: "r"}) // before a tick
	s.Step(now, mapreduce.Tick{})
	if got := states(); got[mapreduce.Done] != 49 || len(got) != 1 {
		t.Errorf("it is removed: %v", got)
	}
}

func TestListGoesBackPageByPage(t *testing.T) {
	s, now := past(t, 1000)
	var listed []mapreduce.JobID
	for before, more := mapreduce.JobID(""), 1; more > 0; {
		list := s.Step(now, mapreduce.Asked{Want: mapreduce.WantList, Job: before, Reply: "r"})[0].(coordinator.Answer).Answer.Jobs
		for _, j := range list.Jobs {
			listed = append(listed, j.ID)
		}
		before, more = listed[len(listed)-1], list.More
		if len(listed)+more != 1000 {
			t.Fatalf("%d listed, %d more", len(listed), more)
		}
	}
	for n, id := range listed {
		if want := mapreduce.JobID(fmt.Sprintf("job-%d", 999-n)); id != want {
			t.Fatalf("the %dth is %s, want %s", n, id, want)
		}
	}
	unknown := s.Step(now, mapreduce.Asked{Want: mapreduce.WantList, Job: "nobody", Reply: "r"})[0].(coordinator.Answer).Answer
	if !unknown.Unknown {
		t.Errorf("before a job that there is not: %+v", unknown)
	}
}

func BenchmarkStepWithEndedJobs(b *testing.B) {
	for _, jobs := range []int{0, 10_000} {
		s, now := past(b, jobs)
		for name, event := range map[string]mapreduce.Event{
			"tick": mapreduce.Tick{}, "list": mapreduce.Asked{Want: mapreduce.WantList, Reply: "r"},
			"list-before": mapreduce.Asked{Want: mapreduce.WantList, Job: "job-400", Reply: "r"},
			"vitals":      mapreduce.Asked{Want: mapreduce.WantVitals, Reply: "r"}, "seen": mapreduce.QueueSeen{Class: "builtin"},
		} {
			b.Run(fmt.Sprintf("%s/%d", name, jobs), func(b *testing.B) {
				for b.Loop() {
					s.Step(now, event)
				}
			})
		}
	}
}
