package coordinator_test

import (
	"testing"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// in is a heartbeat of a worker of a pool.
func in(pool mapreduce.Pool, worker mapreduce.WorkerID) mapreduce.Beat {
	b := beat(worker)
	b.Pool = pool
	b.Slots[mapreduce.IO] = 1
	return b
}

func pooled(pool mapreduce.Pool) mapreduce.Job {
	job := count()
	job.Pool = pool
	return job
}

func TestTasksOfAJobGoToItsPoolAndWaitForItsWorkers(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.on(submitted(1, pooled("gpu")), `
		record queued
		record planning
		tell u1 planning
		accept 1`)
	s.on(mapreduce.Tick{}, `tell u1 planning`) // there is a worker, of another pool
	if got := s.status(t).Waiting; got != "no worker of pool gpu has been heard of: start one with `jetreduce worker --pool gpu`" {
		t.Error(got)
	}
	s.on(in("gpu", "w"), `
		open the queue of builtin in gpu
		open the queue of io in gpu
		enqueue plan.0`)
	for _, c := range s.state.Step(s.now, planned(1)) {
		if enqueue, is := c.(coordinator.Enqueue); is && enqueue.Tasks[0].Pool != "gpu" {
			t.Errorf("a task goes to %q", enqueue.Tasks[0].Pool)
		}
	}
}

func TestJobOfTheDefaultPoolDoesNotWaitForOthers(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.idler = false
	s.play(mapreduce.Beat{Worker: "idler", Bye: true}, in("gpu", "w"), submitted(1, count()))
	if got := s.status(t).Waiting; got != "no worker of pool default has been heard of: start one with `jetreduce worker`" {
		t.Error(got)
	}
	job := executables()
	job.ID, job.Pool = "shell", "gpu"
	s.play(submitted(2, job))
	if got := s.statusOf(t, "shell").Waiting; got != "no worker of pool gpu runs commands: start one with `jetreduce worker --pool gpu --allow-exec`" {
		t.Error(got)
	}
}

func (s *scene) status(t *testing.T) mapreduce.Status { return s.statusOf(t, "count") }

func (s *scene) statusOf(t *testing.T, id mapreduce.JobID) mapreduce.Status {
	t.Helper()
	for _, c := range s.state.Step(s.now, mapreduce.Asked{Want: mapreduce.WantStatus, Job: id, Reply: "r"}) {
		if answer, is := c.(coordinator.Answer); is && answer.Answer.Status != nil {
			return *answer.Answer.Status
		}
	}
	t.Fatalf("nobody says where %s stands", id)
	return mapreduce.Status{}
}

// An input that only workers of another pool have is on no worker.
func TestInputThatOnlyAnotherPoolHasIsNowhere(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(in("gpu", "w"), in("cpu", "x"), submitted(1, pooled("gpu")), planned(1))
	s.on(lacking("w", mapreduce.Map), `end failed: worker w: /in: not here`)
}

// lacking is the failure of an attempt whose worker does not have the input.
func lacking(worker mapreduce.WorkerID, phase mapreduce.Phase) mapreduce.Failure {
	f := failed(phase, 0, 1)
	f.Attempt, f.Absent, f.Reason = attempt(worker, 1), true, "worker "+string(worker)+": /in: not here"
	return f
}

// Each look at the queue costs the leader something for each pool that there ever was.
func TestQueueOfAPoolThatIsGivenUpIsDroppedAndMadeAgain(t *testing.T) {
	s := leading(t, coordinator.Config{})
	seen := mapreduce.QueueSeen{Pool: "gpu", Class: "builtin"}
	s.play(in("gpu", "w"))
	s.wait(time.Hour)
	s.on(seen, ``) // it is served
	s.play(mapreduce.Beat{Worker: "w", Pool: "gpu", Bye: true})
	s.on(seen, ``)
	s.wait(9 * time.Minute)
	s.on(seen, ``)
	s.wait(2 * time.Minute)
	s.on(seen, `close the queue of builtin in gpu`)
	s.on(in("gpu", "w2"), `
		open the queue of builtin in gpu
		open the queue of io in gpu`)
}

func TestQueueThatAJobNeedsIsKept(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(in("gpu", "w"), submitted(1, pooled("gpu")), mapreduce.Beat{Worker: "w", Pool: "gpu", Bye: true})
	for range 3 {
		for _, class := range []mapreduce.Class{mapreduce.IO, "builtin"} {
			s.on(mapreduce.QueueSeen{Pool: "gpu", Class: class}, ``)
		}
		s.wait(time.Hour)
	}
	s.on(mapreduce.QueueSeen{Class: "builtin"}, ``) // the default pool's is there for good
}

// An operator may drop what a leader has made.
func TestQueueIsOpenedAgainNowAndThen(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(in("gpu", "w"))
	s.wait(59 * time.Second)
	s.on(in("gpu", "w"), ``)
	s.wait(2 * time.Second)
	s.on(in("gpu", "w"), `
		open the queue of builtin in gpu
		open the queue of io in gpu`)
}

// An account allows so many consumers. Else a job of that pool would wait without a word.
func TestJobWhoseQueueIsRefusedSaysWhyItWaits(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.play(in("gpu", "w"), submitted(1, pooled("gpu")))
	s.play(mapreduce.QueueOpened{Pool: "gpu", Class: "builtin", Trouble: "maximum consumers limit reached"})
	const want = "workers of pool gpu get no tasks of class builtin, since the bus refuses them a queue: maximum consumers limit reached"
	if got := s.status(t); got.Waiting != want || !got.Idle {
		t.Errorf("idle %v: %s", got.Idle, got.Waiting)
	}
	s.play(mapreduce.QueueOpened{Pool: "gpu", Class: "builtin"})
	if got := s.status(t); got.Waiting != "1 of 1 plan tasks" || got.Idle {
		t.Errorf("when it is opened: idle %v: %s", got.Idle, got.Waiting)
	}
}

// Anybody may send heartbeats. A pool becomes a part of names on the bus.
func TestPoolThatIsNoneIsNotOpened(t *testing.T) {
	s := leading(t, coordinator.Config{})
	for _, pool := range []mapreduce.Pool{"a.b", "*", "a b", "0123456789012345678901234567890123"} {
		own := in(pool, "w")
		own.Slots["go-ab12"] = 1
		s.on(own, ``)
	}
}
