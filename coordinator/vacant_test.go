package coordinator_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// mustWait checks which jobs wait for workers.
func (s *scene) mustWait(claim string, want ...mapreduce.VacancyVitals) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.vitals().Vacant); diff != "" {
		s.t.Errorf("%s (-want +got):\n%s", claim, diff)
	}
}

// A job whose pool or class has no workers queues nothing; it is counted all the same, until a worker comes that can do its tasks.
func TestJobsWithoutWorkersAreCounted(t *testing.T) {
	s := newScene(t, coordinator.Config{WorkerSilent: 2})
	s.play(mapreduce.Replayed{}, beat("w1"))
	ordinary, lab, again, commands := count(), count(), count(), count()
	lab.ID, lab.Pool, again.ID, again.Pool = "lab", "lab", "again", "lab"
	commands.ID, commands.Program, commands.Commands = "commands", "", mapreduce.Commands{Map: "cat", Reduce: "cat"}
	s.play(submitted(1, ordinary), submitted(2, lab))
	s.now = s.now.Add(time.Minute)
	s.play(submitted(3, again), submitted(4, commands))
	s.now = s.now.Add(time.Second)
	s.play(mapreduce.Tick{})
	s.mustWait("nobody is there",
		mapreduce.VacancyVitals{Pool: "default", Class: mapreduce.Exec, Jobs: 1, Oldest: time.Second},
		mapreduce.VacancyVitals{Pool: "lab", Class: "builtin", Jobs: 2, Oldest: 61 * time.Second})
	for _, q := range s.vitals().Queues {
		if q.Pool == "lab" && q.Waiting > 0 {
			t.Errorf("something is queued for nobody: %+v", q)
		}
	}
	there := beat("w2")
	there.Pool = "lab"
	s.play(there)
	s.mustWait("a worker of the pool has come", mapreduce.VacancyVitals{Pool: "default", Class: mapreduce.Exec, Jobs: 1, Oldest: time.Second})
}

// A leader that has just taken over has not heard of the workers yet.
func TestJobsAreNotSaidToWaitBeforeWorkersCouldBeHeard(t *testing.T) {
	s := newScene(t, coordinator.Config{WorkerSilent: 2})
	record := mapreduce.Record{
		Version: 1, UID: "u1", Job: count().ID, State: mapreduce.Queued, At: s.now.Add(-time.Hour), Spec: ptr(count()),
	}
	s.play(mapreduce.Restored{Record: record}, mapreduce.Replayed{})
	s.mustWait("it has just taken over")
	s.ticks(40)
	s.mustWait("nobody is there", mapreduce.VacancyVitals{Pool: "default", Class: "builtin", Jobs: 1, Oldest: time.Hour + 10*time.Second})
}

// Workers that leave in the middle of a job leave it waiting from then on.
func TestJobWhoseWorkersHaveLeftWaitsFromThen(t *testing.T) {
	s := newScene(t, coordinator.Config{WorkerSilent: 2})
	s.play(mapreduce.Replayed{}, beat("w1"), submitted(1, count()), planned(4))
	s.now = s.now.Add(time.Hour)
	for range 4 {
		s.play(mapreduce.Tick{})
	}
	s.now = s.now.Add(3 * time.Second)
	s.mustWait("its worker fell silent", mapreduce.VacancyVitals{Pool: "default", Class: "builtin", Jobs: 1, Oldest: 3 * time.Second})
	s.play(mapreduce.End{Version: 1, UID: "u1", State: mapreduce.Cancelled})
	s.mustWait("it was cancelled")
}
