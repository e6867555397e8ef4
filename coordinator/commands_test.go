package coordinator_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// executables is a job that runs commands.
func executables() mapreduce.Job {
	job := count()
	job.Program, job.Commands = "", mapreduce.Commands{Map: "./words", Reduce: "./sums"}
	return job
}

// queued is the tasks that an event makes a leader queue.
func (s *scene) queued(event mapreduce.Event) (tasks []mapreduce.Task) {
	for _, command := range s.state.Step(s.now, event) {
		if enqueue, ok := command.(coordinator.Enqueue); ok {
			tasks = append(tasks, enqueue.Tasks...)
		}
	}
	return tasks
}

func TestCommandsAreForWorkersThatRunThem(t *testing.T) {
	s := leading(t, coordinator.Config{})
	for _, plan := range s.queued(submitted(1, executables())) {
		if plan.Class != mapreduce.IO {
			t.Errorf("the plan is for class %s", plan.Class)
		}
	}
	script := []mapreduce.Source{{Name: "/words", Size: 7}}
	plan := planned(1)
	plan.Plan.Files = script
	maps := s.queued(plan)
	reduces := s.queued(committed(mapreduce.Map, 0))
	finish := append(s.queued(committed(mapreduce.Reduce, 0)), s.queued(committed(mapreduce.Reduce, 1))...)
	for _, task := range append(maps, reduces...) {
		if task.Class != mapreduce.Exec || task.Commands == nil || task.Commands.Map != "./words" {
			t.Errorf("%s: class %s, commands %+v", task.ID, task.Class, task.Commands)
		}
		if diff := cmp.Diff(script, task.Files); diff != "" {
			t.Errorf("%s is shipped other files (-planned +shipped):\n%s", task.ID, diff)
		}
	}
	if len(maps) != 1 || len(reduces) != 2 || len(finish) != 1 || finish[0].Class != mapreduce.IO {
		t.Errorf("%d maps, %d reduces, finish %+v", len(maps), len(reduces), finish)
	}
}

func TestJobOfABinaryOfItsOwnIsForThatBinaryOnly(t *testing.T) {
	s := leading(t, coordinator.Config{})
	job := count()
	job.Class = "go-1234"
	s.play(submitted(1, job))
	maps := s.queued(planned(1))
	s.play(committed(mapreduce.Map, 0), committed(mapreduce.Reduce, 0))
	finish := s.queued(committed(mapreduce.Reduce, 1))
	for _, task := range append(maps, finish...) {
		if task.Class != "go-1234" {
			t.Errorf("%s is for class %s", task.ID, task.Class)
		}
	}
	if len(maps) != 1 || len(finish) != 1 {
		t.Errorf("%d maps, %d finishes", len(maps), len(finish))
	}
}

func TestJobWithoutAReduceCommandIsMapOnly(t *testing.T) {
	s := leading(t, coordinator.Config{})
	job := executables()
	job.Reduce, job.Reduces = "", 0
	s.play(submitted(1, job), planned(1))
	if finish := s.queued(committed(mapreduce.Map, 0)); len(finish) != 1 || finish[0].ID.Phase != mapreduce.Finish || !finish[0].MapOnly {
		t.Errorf("behind the map comes %+v", finish)
	}
}

func TestJobThatNobodyMayRunSaysWhatItWaitsFor(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(beat("w"), submitted(1, executables()), planned(1))
	for _, command := range s.state.Step(s.now, mapreduce.Asked{Want: mapreduce.WantStatus, Job: "count", Reply: "r"}) {
		answer, ok := command.(coordinator.Answer)
		const want = "no worker runs commands: start one with `jetreduce worker --allow-exec`"
		if ok && (!answer.Answer.Status.Idle || answer.Answer.Status.Waiting != want) {
			t.Errorf("the status says %+v", answer.Answer.Status)
		}
	}
	exec := beat("x")
	exec.Slots = map[mapreduce.Class]int{mapreduce.Exec: 2}
	s.play(exec)
	for _, command := range s.state.Step(s.now, mapreduce.Asked{Want: mapreduce.WantStatus, Job: "count", Reply: "r"}) {
		if answer, ok := command.(coordinator.Answer); ok && answer.Answer.Status.Idle {
			t.Errorf("with a worker that runs commands the job is idle: %+v", answer.Answer.Status)
		}
	}
}

func TestCountersOfCommittedAttemptsAreAddedUp(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 2)
	for n := range 2 {
		commit := committed(mapreduce.Map, n)
		commit.Counters = mapreduce.Counters{"lines,bad": int64(n + 1)}
		s.play(commit, commit) // the same record again
	}
	for _, command := range s.state.Step(s.now, mapreduce.Asked{Want: mapreduce.WantStatus, Job: "count", Reply: "r"}) {
		if answer, ok := command.(coordinator.Answer); ok && answer.Answer.Status.Counters["lines,bad"] != 3 {
			t.Errorf("the counters are %v", answer.Answer.Status.Counters)
		}
	}
}

// What comes after a failure is often but its consequence.
func TestFirstFailureOfACommandIsTheOneThatIsTold(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(submitted(1, executables()), planned(1))
	for n, reason := range []string{"exit status 3; its last words: no such column", "exit status 1", "exit status 1"} {
		f := failed(mapreduce.Map, 0, uint32(n+1))
		f.Reason = reason
		s.play(f)
	}
	s.on(failed(mapreduce.Map, 0, 9), `end failed: map task 0 failed 4 times, the first time: exit status 3; its last words: no such column`)
}

func TestQueueOfABinaryIsOpenedOnceSomebodyPullsFromIt(t *testing.T) {
	s := leading(t, coordinator.Config{})
	own := beat("w")
	own.Slots["go-1234"] = 1
	s.on(own, `open the queue of go-1234`)
	s.on(own, ``)
	own.Worker = "x"
	s.on(own, ``)
}

// Anybody may send heartbeats. A class becomes a part of names on the bus.
func TestClassThatIsNoneIsNotOpened(t *testing.T) {
	s := leading(t, coordinator.Config{})
	for _, class := range []mapreduce.Class{"go-", "go-a.>", "go-a b", "go-*", "go-" + mapreduce.Class(strings.Repeat("x", 62))} {
		b := beat("w")
		b.Slots[class] = 1
		s.on(b, ``)
	}
}

// A list of many jobs is one message.
func TestListOfJobsHasNoCounters(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	commit := committed(mapreduce.Map, 0)
	commit.Counters = mapreduce.Counters{"lines,bad": 1}
	s.play(commit)
	for _, command := range s.state.Step(s.now, mapreduce.Asked{Want: mapreduce.WantList, Reply: "r"}) {
		if answer, ok := command.(coordinator.Answer); ok && (len(answer.Answer.Jobs.Jobs) != 1 || answer.Answer.Jobs.Jobs[0].Counters != nil) {
			t.Errorf("the list is %+v", answer.Answer.Jobs)
		}
	}
}
